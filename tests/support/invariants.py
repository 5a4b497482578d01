"""What no fault may break, asked of a journal, the chain and the files when a test is over.

I1: past its soft time, an open intent has a transaction that a node holds, unless a page says why it cannot
be paid for. I2: one transaction of an intent is mined at most. I3: nothing costs more than its budget, and no
day more than its cap. I4: no key is in a log or a file. I5, for twin runs: the end is that of a run without
the fault. `bench`, `arena` and `running` ask by themselves, so that no test can forget it.
"""

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.transactions import AttemptStatus
from plasma_guard.journal import read_journal
from plasma_guard.journal.history import IntentRecord
from plasma_guard.sender import SenderSettings

DAY = 86_400
FOREIGN_HEADS = SenderSettings(1).foreign_heads
JOURNALS = ("journal.db", "journal.sqlite3")


@dataclass(frozen=True, slots=True)
class Mined:
    """One of our transactions on the chain: when in root-chain seconds, and its gas in wei."""

    at: int
    cost: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a node says; `held` are those of our hashes that are pooled or mined.

    `now` is the newest block's time in seconds, `base_fee` that of the next block in wei per gas. `doubtful`
    are the nonces of each account that were used in the newest blocks: they may be free again.
    """

    now: int
    base_fee: int
    held: Collection[Hash32]
    mined: Mapping[Hash32, Mined]
    doubtful: Mapping[Address, range]


def broken(
    records: Sequence[IntentRecord], seen: Seen, day_cap: int | None = None, paged: Collection[str] = ()
) -> list[str]:
    """Return which of I1 to I3 do not hold, a sentence each."""
    found = []
    dearest = max((record.window.budget for record in records), default=0)
    for record in records:
        name = record.candidate.intent
        alive = [each for each in record.attempts if each.status is not AttemptStatus.DROPPED]
        # The pools of real nodes keep what offers less than the base fee; the local one refuses it.
        # Where a stranger used its nonce, it waits until no reorg is likely to bring its own bytes back.
        held = [
            each
            for each in alive
            if each.hash in seen.held
            or each.fees.max_fee < seen.base_fee
            or each.nonce in seen.doubtful[each.account]
        ]
        # Without a measured gas limit there may be nothing that could be signed.
        sendable = bool(record.candidate.gas_limit) and not record.candidate.is_fill and name not in paged
        if record.outcome is None and sendable and seen.now >= record.window.soft and not held:
            found.append(f"I1: {name} is open past its soft time, and no node holds a transaction of it")
        mined = [seen.mined[each.hash] for each in record.attempts if each.hash in seen.mined]
        if len(mined) > 1:
            found.append(f"I2: {name} was mined {len(mined)} times")
        # A nonce is used up on behalf of whoever needs it: that call's budget counts.
        budget = dearest if record.candidate.is_fill else record.window.budget
        if (cost := sum(each.cost for each in mined)) > budget:
            found.append(f"I3: {name} cost {cost} wei of a budget of {budget}")
    costs = list(seen.mined.values())
    days = [sum(each.cost for each in costs if last.at - DAY < each.at <= last.at) for last in costs]
    if day_cap is not None and max(days, default=0) > day_cap:
        found.append(f"I3: a day cost {max(days)} wei, and its cap is {day_cap}")
    return found


def told(keys: Iterable[str], texts: Iterable[bytes | str]) -> list[str]:
    """Return a sentence for every text that a private key is in, in whatever form (I4)."""
    forms = [form.lower() for key in keys for form in _forms(bytes.fromhex(key.removeprefix("0x")))]
    contents = (text.encode() if isinstance(text, str) else text for text in texts)
    return [f"I4: a key is in {content[:40]!r}..." for content in contents if _has(content.lower(), forms)]


def _forms(key: bytes) -> list[bytes]:
    return [key, key.hex().encode(), str(int.from_bytes(key)).encode(), base64.b64encode(key)]


def _has(content: bytes, forms: Iterable[bytes]) -> bool:
    return any(form in content for form in forms)


def no_key_said(keys: Iterable[str], lines: Iterable[object]) -> None:
    """Fail when a key is in what was logged (I4)."""
    found = told(keys, [json.dumps(line, default=str) for line in lines])
    assert not found, found


async def hold(
    evm: Evm,
    folder: Path,
    *,
    keys: Collection[str] = (),
    day_cap: int | None = None,
    paged: Collection[str] = (),
) -> int:
    """Fail when I1 to I4 do not hold of the guards that live in `folder`; return how many intents were seen.

    The intents `paged` are those of which a page that stands says why they cannot be paid for.
    """
    found: list[str] = []
    count = 0
    files = _files(folder)
    for path in (path for path in files if path.name in JOURNALS):
        records = await _intents(path)
        count += len(records)
        found += broken(records, await _seen(evm, records), day_cap, paged)
    found += [f"{sentence} of {path}" for path in files for sentence in told(keys, [_content(path)])]
    assert not found, found
    return count


def same_end(disturbed: Mapping[str, Any], undisturbed: Mapping[str, Any]) -> None:
    """Fail when a run with a fault did not end as its twin without (I5)."""
    names = disturbed.keys() | undisturbed.keys()
    other = {name: (disturbed.get(name), undisturbed.get(name)) for name in names}
    found = {name: pair for name, pair in other.items() if pair[0] != pair[1]}
    assert not found, f"I5: {found}"


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _content(path: Path) -> bytes:
    """Return a file's bytes; none where a database has removed it since it was listed."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


async def _intents(path: Path) -> list[IntentRecord]:
    """Return what a journal holds; nothing where a test left none that can be read."""
    try:
        async with read_journal(path) as reader:
            return await reader.intents()
    except JournalError:
        return []


async def _seen(evm: Evm, records: Sequence[IntentRecord]) -> Seen:
    held: set[Hash32] = set()
    mined: dict[Hash32, Mined] = {}
    for tx_hash in {each.hash for record in records for each in record.attempts}:
        if await evm.rpc("eth_getTransactionByHash", str(tx_hash)) is not None:
            held.add(tx_hash)
        if (receipt := await evm.rpc("eth_getTransactionReceipt", str(tx_hash))) is not None:
            block = await evm.rpc("eth_getBlockByNumber", receipt["blockNumber"], False)  # noqa: FBT003 (JSON-RPC)
            cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            mined[tx_hash] = Mined(int(block["timestamp"], 16), cost)
    fees = (await evm.rpc("eth_feeHistory", "0x1", "latest", [])).get("baseFeePerGas") or ["0x0"]
    head = int(await evm.rpc("eth_blockNumber"), 16)
    accounts = {record.candidate.account for record in records}
    doubtful = {each: await _used(evm, each, max(0, head - FOREIGN_HEADS + 1), head) for each in accounts}
    return Seen(await evm.timestamp(), int(fees[-1], 16), held, mined, doubtful)


async def _used(evm: Evm, account: Address, before: int, head: int) -> range:
    """Return the nonces that an account used after one block and until another."""
    counts = [await evm.rpc("eth_getTransactionCount", str(account), hex(at)) for at in (before, head)]
    return range(int(counts[0], 16), int(counts[1], 16))
