"""The vectors recorded from the real contracts, and adapters for the contracts they come from."""

from typing import Any

from contracts.recorded import RecordedChain
from plasma_guard.contracts.ald import AldExitGame
from plasma_guard.contracts.rootchain import RootChainExitGame
from plasma_guard.domain.exits import ContractSet, Generation
from plasma_guard.domain.primitives import Address, Seconds, parse_hex
from vectors_loader import load

ALD = load("ald", "calldata")
ROOTCHAIN = load("rootchain", "calldata")
GENERATIONS = {"1.0.5": Generation.ALD_V1, "2.0.0": Generation.ALD_V2}
ROOT_CHAIN = Address.parse(ROOTCHAIN["root_chain"])
ROOT_CHAIN_CONTRACTS = ContractSet(Generation.ROOTCHAIN_V02, ROOT_CHAIN, ROOT_CHAIN, Seconds(600))


def hexed(text: str) -> bytes:
    return parse_hex(text, "vector")


def ald_contracts(version: str) -> ContractSet:
    addresses = ALD["meta"]["contracts"][version]["addresses"]
    return ContractSet(
        generation=GENERATIONS[version],
        entry=Address.parse(addresses["plasma_framework"]),
        exit_game=Address.parse(addresses["payment_exit_game"]),
        min_exit_period=Seconds(600),
        eth_vault=Address.parse(addresses["eth_vault"]),
        erc20_vault=Address.parse(addresses["erc20_vault"]),
    )


def ald_game(version: str, chain: RecordedChain | None = None) -> AldExitGame:
    return AldExitGame(chain or RecordedChain(), ald_contracts(version))  # type: ignore[arg-type] # only the recorded reads


def rootchain_game(chain: RecordedChain | None = None) -> RootChainExitGame:
    return RootChainExitGame(chain or RecordedChain(), ROOT_CHAIN_CONTRACTS)  # type: ignore[arg-type] # only the recorded reads


def ald_calls(*functions: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (name, case) of the recorded transactions that call one of the functions."""
    return [
        (name, case)
        for case in ALD["cases"]
        if case["kind"] == "transaction" and (name := case["function"].partition("(")[0]) in functions
    ]


def ald_logs() -> list[tuple[str, dict[str, Any]]]:
    """Return (version, log) of every recorded log whose event is known."""
    return [(case["version"], log) for case in ALD["cases"] for log in case.get("logs", []) if "event" in log]


def rootchain_logs() -> list[dict[str, Any]]:
    """Return every recorded log of RootChain itself."""
    return [
        log
        for function in ROOTCHAIN["functions"].values()
        for case in function
        for log in case["logs"]
        if Address.parse(log["address"]) == ROOT_CHAIN
    ]
