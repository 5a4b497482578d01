"""A bundle carries a vault to another machine, where all of it is proven before any of it is taken."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from devnet.world import ETHER, World
from plasma_guard.domain.errors import EvidenceError, GuardError, MalformedError
from plasma_guard.domain.primitives import Wei
from plasma_guard.vault.reading import bundle_of, check_file
from support.vaults import NOWHERE, Keeper, keeping, leave_in_flight, signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


async def filled(world: World, keeper: Keeper) -> None:
    """Hold a deposit, a payment and a payment in flight."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    halves = [world.output(name, Wei(ETHER // 2)) for name in ("bob", "alice")]
    payment = await people.spend([(world.alice, spent)], halves)
    kept = await people.deposit(world.bob, ETHER)
    await keeper.holds(payment.output(0))
    await keeper.holds(kept)
    waiting = people.sign([(world.bob, kept)], [world.output("bob")])
    await keeper.vault.track(signed_form(people, waiting))
    await keeper.refresh()


def bundle(keeper: Keeper) -> Any:
    """Return the bundle as it comes out of a file."""
    return json.loads(json.dumps(bundle_of(keeper.path)))


@both
async def test_another_machine_can_exit_from_it(world: World, tmp_path: Path) -> None:
    """Exported and imported, it is the same vault, with no Watcher and no operator on the other side."""
    async with keeping(world, world.bob, child_chain=True) as keeper:
        await filled(world, keeper)
        there = bundle(keeper)
        mine = await keeper.vault.contents()
    async with keeping(world, world.bob, watcher=NOWHERE, path=tmp_path / "other.sqlite3") as other:
        head = await world.people.chain.head()
        assert await other.vault.take_in(there, head) == len(mine.outputs)
        assert await other.vault.take_in(there, head) == 0
        assert await other.vault.check(head) == []
        contents = await other.vault.contents()
        assert {(each.position, each.spent_by) for each in contents.outputs} == {
            (each.position, each.spent_by) for each in mine.outputs
        }
        for output in contents.outputs:
            creating = contents.creating(output)
            assert creating is not None
            if creating.sources:
                await leave_in_flight(world.people, contents, output)


def proof(document: Any) -> None:
    placed = next(each for each in document["transactions"] if each["position"] is not None)
    placed["proof"] = placed["proof"][:-2] + ("00" if placed["proof"][-2:] != "00" else "01")


def root(document: Any) -> None:
    """Another root, and nothing that leads to it: the root chain's own counts, so this changes nothing."""
    document["blocks"][0]["root"] = "0x" + "11" * 32
    proof(document)


def signature(document: Any) -> None:
    signed = next(each for each in document["transactions"] if each["signatures"])
    flipped = bytearray.fromhex(signed["signatures"][0][2:])
    flipped[3] ^= 1
    signed["signatures"][0] = "0x" + flipped.hex()


def unsigned_in_flight(document: Any) -> None:
    waiting = next(each for each in document["transactions"] if each["position"] is None)
    waiting["signatures"] = []
    waiting["claimed_signatures"] = []


def owner(document: Any) -> None:
    document["outputs"][0]["owner"] = "0x" + "22" * 20


def position(document: Any) -> None:
    placed = next(each for each in document["transactions"] if each["position"] is not None)
    placed["position"] += 10_000


def chain(document: Any) -> None:
    document["chain_id"] += 1


def version(document: Any) -> None:
    document["version"] = 2


def shape(document: Any) -> None:
    document["transactions"] = {"0": 1}


@both
@pytest.mark.parametrize(
    "spoil", [proof, root, signature, unsigned_in_flight, owner, position, chain, version, shape]
)
async def test_one_thing_wrong_spoils_all_of_it(world: World, tmp_path: Path, spoil: Any) -> None:
    """Whatever does not prove itself, nothing of the bundle is taken."""
    async with keeping(world, world.bob, child_chain=True) as keeper:
        await filled(world, keeper)
        spoilt = copy.deepcopy(bundle(keeper))
    spoil(spoilt)
    async with keeping(world, world.bob, watcher=NOWHERE, path=tmp_path / "other.sqlite3") as other:
        before = await other.vault.contents()
        with pytest.raises((EvidenceError, MalformedError)) as caught:
            await other.vault.take_in(spoilt, await world.people.chain.head())
        assert isinstance(caught.value, GuardError)
        assert await other.vault.contents() == before


@both
async def test_what_rots_on_disk_is_found(world: World) -> None:
    """Verification without any connection finds a byte that changed."""
    import sqlite3  # noqa: PLC0415 (the disk itself is what changes here)

    async with keeping(world, world.bob, child_chain=True) as keeper:
        await filled(world, keeper)
        assert check_file(keeper.path) == []
        with sqlite3.connect(keeper.path) as connection:
            connection.execute(
                "UPDATE transactions SET proof = zeroblob(512) WHERE rowid ="
                " (SELECT rowid FROM transactions WHERE blknum > 0 LIMIT 1)"
            )
        connection.close()
        assert any("does not lead" in problem for problem in check_file(keeper.path))
        assert await keeper.vault.check(await world.people.chain.head())
