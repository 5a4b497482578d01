"""What a vault lacks, what it carries elsewhere and what a save may change: no chain is needed to say."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from plasma_guard.domain.errors import VaultError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import Hash32
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.vault import bundle
from plasma_guard.vault.checking import problems
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.files import RefreshLock
from plasma_guard.vault.lacks import Lack, lack
from plasma_guard.vault.records import Binding, OwnOutput, Record, State
from plasma_guard.vault.store import Changes, Store
from vault.made import CONTRACT, NOW, OWNER, Maker, binding, empty, vaults

V02, V1 = rules_for(Generation.ROOTCHAIN_V02), rules_for(Generation.ALD_V1)


def lack_of(maker: Maker, record: Record, index: int, depth: int = 3) -> Lack:
    output = next(own.output for own in maker.draft.outputs_of(record) if own.output.index == index)
    known = maker.draft.kept_at
    return lack(maker.rules, output, record.kept, known, owners={OWNER}, depth=depth)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("rules", [V02, V1])
def test_an_odd_output_of_v02_is_stuck_without_its_in_flight_exit(rules: PlasmaRules, index: int) -> None:
    """RootChain v0.2 never pays a standard exit of output 1 or 3: without signatures nothing is left."""
    maker = Maker(rules, empty())
    record = maker.payment(maker.deposit(5), 2, signed=False)
    found = lack_of(maker, record, index)
    odd = rules is V02 and index == 1
    assert found.stuck == odd
    assert ("never pays a standard exit of output index 1" in found.words[0]) == odd
    assert f"the signatures of transaction {record.kept.hash}" in found.words


def test_whole_material_lacks_nothing() -> None:
    """With signatures and the inputs' transactions both ways out are open."""
    for rules in (V02, V1):
        maker = Maker(rules, empty())
        assert lack_of(maker, maker.payment(maker.deposit(5), 2), 1) == Lack((), stuck=False)


def test_an_unknown_input_is_named() -> None:
    """What created an input is missing by its position; in flight, nothing else is left to leave by."""
    maker = Maker(V1, empty())
    at = maker.deposit(5)
    record = maker.payment(at, included=False)
    creator = maker.draft.creator(at)
    assert creator is not None
    maker.draft.drop(creator)
    found = lack_of(maker, record, 0)
    assert found == Lack((f"the transaction that created input 0 at {at}, with its proof",), stuck=True)


def test_ancestors_lack_as_deep_as_asked() -> None:
    """An ancestor without signatures is a lack only within the depth, and nobody is stuck for it."""
    maker = Maker(V1, empty())
    first = maker.payment(maker.deposit(5), signed=False)
    assert first.kept.position is not None
    second = maker.payment(first.kept.position)
    assert lack_of(maker, second, 0, depth=1).words == ()
    found = lack_of(maker, second, 0, depth=2)
    assert found == Lack((f"of an ancestor: the signatures of transaction {first.kept.hash}",), stuck=False)


@settings(deadline=None)
@given(vaults())
def test_a_bundle_brings_everything_back(made: tuple[PlasmaRules, Draft]) -> None:
    """Written, sent as text and read, it has the same transactions, proofs, signatures and outputs."""
    rules, draft = made
    text = json.dumps(bundle.write(binding(rules), draft, NOW))
    read = bundle.read(json.loads(text), rules)
    assert read.binding == binding(rules)
    before = {
        record.key: (record.kept.raw, record.kept.proof, record.kept.signatures) for record in draft.records()
    }
    after = {
        record.key: (record.kept.raw, record.kept.proof, record.kept.signatures) for record in read.records
    }
    assert after == before
    assert {own.output for own in read.outputs} == set(draft.held())
    assert {block.blknum: block for block in read.blocks} == draft.blocks
    assert list(problems(rules, CONTRACT, read.records, read.outputs, draft.blocks)) == []


@settings(deadline=None, max_examples=30)
@given(vaults())
def test_a_vault_on_disk_is_the_same_vault(made: tuple[PlasmaRules, Draft]) -> None:
    """Saved and loaded, nothing differs, equal deposits included."""
    rules, draft = made
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "vault.sqlite3", binding(rules), rules)
        store.save(draft.take_changes())
        assert Draft(store.load()).contents() == draft.contents()
        store.close()


def test_a_later_save_empties_nothing(tmp_path: Path) -> None:
    """Whoever saves what it loaded before takes no signature away that somebody else has brought since."""
    maker = Maker(V1, empty())
    record = maker.payment(maker.deposit(5))
    store = Store(tmp_path / "vault.sqlite3", binding(V1), V1)
    store.save(maker.draft.take_changes())
    bare = Record(replace(record.kept, signatures=()))
    store.save(Changes(records=[bare]))
    assert store.load().records == {each.key: each for each in maker.draft.records()}


def test_what_is_proven_gone_does_not_come_back_by_a_claim() -> None:
    """A list that still names a spent output changes nothing."""
    maker = Maker(V1, empty())
    at = maker.deposit(5)
    own = maker.draft.own(at)
    assert own is not None
    maker.draft.put_output(OwnOutput(own.output, State.SPENT))
    maker.draft.put_output(own)
    assert maker.draft.held() == []


def test_a_reorganization_takes_the_proof_and_keeps_the_transaction() -> None:
    """What was in a block that is gone is in flight again with its outputs, if signed; deposits are not."""
    maker = Maker(V1, empty())
    at = maker.deposit(5)
    record = maker.payment(at)
    maker.draft.unprove(1000)
    (waiting,) = maker.draft.in_flight()
    assert (waiting.kept.hash, waiting.kept.signatures) == (record.kept.hash, record.kept.signatures)
    assert {(each.tx_hash, each.position) for each in maker.draft.held()} >= {(record.kept.hash, None)}
    maker.draft.unprove(at.blknum)
    assert maker.draft.own(at) is None


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """Another chain's vault, another generation's, or no vault at all: each is said, nothing changed."""
    path = tmp_path / "vault.sqlite3"
    Store(path, binding(V1), V1).close()
    with pytest.raises(VaultError, match="belongs to"):
        Store(path, Binding(2, CONTRACT, str(V1.generation)), V1)
    other = tmp_path / "other.sqlite3"
    other.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(VaultError, match="cannot be used"):
        Store(other, binding(V1), V1)


def test_one_process_refreshes(tmp_path: Path) -> None:
    """A second one is told who does, and that nothing is to be done."""
    path = tmp_path / "vault.sqlite3"
    first = RefreshLock(path)
    with pytest.raises(VaultError, match="refreshed by pid"):
        RefreshLock(path)
    first.release()
    RefreshLock(path).release()


def test_equal_deposits_share_a_hash_and_nothing_else() -> None:
    """The contents have one under its hash, the other as its twin, and both by position."""
    maker = Maker(V1, empty())
    first, second = maker.deposit(5), maker.deposit(5)
    contents = maker.draft.contents()
    assert len(contents.transactions) == len(contents.twins) == 1
    found = [contents.creating(output) for output in contents.outputs]
    assert [each.position for each in found if each] == [first, second]
    assert {each.hash for each in found if each} == {Hash32(contents.twins[0].hash)}
