"""The recorded worlds behind the Watcher fixtures, replayed into a verifier."""

import json
from pathlib import Path
from typing import Any

from plasma_guard.domain.blocks import BlockStamp, ChildBlock
from plasma_guard.domain.exits import ContractSet, DepositCreated, ExitStarted, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp
from plasma_guard.plasma.rules import rules_for
from plasma_guard.verifier import Verifier
from plasma_guard.verifier.core import Progress
from plasma_guard.verifier.game import Facts

FIXTURES = Path(__file__).parent.parent / "fixtures" / "watcher"
V02_SUBMITTED = 1558535030
"""The v0.2 world has no times of its own; this is the one its recorded statuses show."""
NOWHERE = Hash32(bytes(32))


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def replayed(generation: Generation) -> Verifier:
    """Return a verifier that has seen every deposit and block of the recorded world."""
    world = load("world_v1" if generation.is_ald else "world_v02")
    verifier = Verifier(_contracts(generation, world))
    deposits = {int(blknum): deposit for blknum, deposit in world["deposits"].items()}
    for blknum, deposit in sorted(deposits.items()):
        [output] = rules_for(generation).decode(bytes.fromhex(deposit["tx"][2:])).outputs
        height = deposit.get("eth_height", 0)
        where = (height, NOWHERE, NOWHERE, 0)
        verifier.apply_event(DepositCreated(output.owner, blknum, output.token, output.amount, *where))
    for blknum, block in sorted((int(blknum), block) for blknum, block in world["blocks"].items()):
        root = Hash32.parse(block["root"])
        signed = tuple(bytes.fromhex(tx["signed"][2:]) for tx in block["txs"])
        submitted_at = Timestamp(block.get("timestamp", V02_SUBMITTED))
        assert verifier.apply_block(blknum, root, submitted_at, ChildBlock(blknum, root, signed))
    return verifier


def started(verifier: Verifier, details: dict[str, Any]) -> None:
    """Start the exit that an invalid_exit's details tell of; the world has a root-chain block every 13 s."""
    position = UtxoPosition.decode(details["utxo_pos"])
    creating_tx = verifier.ledger.creating_tx(position)
    assert creating_tx is not None
    event = ExitStarted(
        exit_id=verifier.rules.standard_exit_id(creating_tx, position),
        owner=Address.parse(details["owner"]),
        block_number=details["eth_height"],
        block_hash=NOWHERE,
        tx_hash=Hash32.parse(details.get("root_chain_txhash", "0x" + "00" * 32)),
        log_index=0,
        position=position,
    )
    at = Timestamp(1613901950 + 13 * (details["eth_height"] - 11900150))
    verifier.apply_event(event, Facts(at=at))


def told(verifier: Verifier, data: dict[str, Any]) -> None:
    """Bring the verifier to the progress that a recorded status shows, and start the exits it lists."""
    tip = BlockStamp(
        data["last_seen_eth_block_number"], NOWHERE, Timestamp(data["last_seen_eth_block_timestamp"]), NOWHERE
    )
    verifier.advance(
        Progress(
            tip=tip,
            last_mined_blknum=data["last_mined_child_block_number"],
            last_mined_at=Timestamp(data["last_mined_child_block_timestamp"]),
            services={each["service"]: each["height"] for each in data["services_synced_heights"]},
        )
    )
    for entry in data["byzantine_events"]:
        if entry["event"] == "invalid_exit":
            started(verifier, entry["details"])


def _contracts(generation: Generation, world: dict[str, Any]) -> ContractSet:
    named = world.get("contracts", {})
    entry = Address.parse(named.get("plasma_framework") or world["contract"])
    return ContractSet(
        generation=generation,
        entry=entry,
        exit_game=Address.parse(named.get("payment_exit_game", str(entry))),
        min_exit_period=Seconds(604800),
        eth_vault=Address.parse(named.get("eth_vault", str(ETH))),
        erc20_vault=Address.parse(named.get("erc20_vault", str(ETH))),
        version="1.0.5+2b8d9bf",
    )
