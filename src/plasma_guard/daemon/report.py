"""What the running guard knows, as one document for people and machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plasma_guard.daemon.audit import is_unverified
from plasma_guard.daemon.funds import Funds
from plasma_guard.daemon.keep import Keep
from plasma_guard.daemon.watch import Watch
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, Kind, TrackedExit
from plasma_guard.domain.exits import ContractSet
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.ports import Journal

LISTED = 100
"""Longer lists are cut, and say how long they are."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change while the guard runs."""

    version: str
    mode: str
    armed: bool
    chain_id: int
    contracts: ContractSet
    accounts: Sequence[Address]
    journal: str


class Report:
    """Builds `/status`; amounts and ids are decimal strings, since JSON readers round large numbers."""

    def __init__(
        self, identity: Identity, journal: Journal, watch: Watch, funds: Funds, keep: Keep | None = None
    ) -> None:
        self._identity = identity
        self._journal = journal
        self._watch = watch
        self._funds = funds
        self._keep = keep

    async def build(self, head: BlockStamp | None) -> Mapping[str, Any]:
        """Return the document as of `head`, None before the first look at the root chain."""
        running = await self._journal.tracked_exits(running=True)
        cases = await self._journal.cases(open_only=True)
        unverified = [each for each in running if head is None or is_unverified(each, head)]
        identity = self._identity
        return {
            "version": identity.version,
            "mode": identity.mode,
            "armed": identity.armed,
            "chain_id": identity.chain_id,
            "generation": str(identity.contracts.generation),
            "contract": str(identity.contracts.entry),
            "exit_game": str(identity.contracts.exit_game),
            "min_exit_period_seconds": identity.contracts.min_exit_period,
            "journal": identity.journal,
            "accounts": [
                {
                    "address": str(account),
                    "balance_wei": _wei(self._funds.balances.get(account)),
                }
                for account in identity.accounts
            ],
            "root_chain": _head(head),
            "watcher": self._watcher(),
            "vault": None if self._keep is None else self._keep.document(),
            "exits": {
                "running": len(running),
                "unverified": len(unverified),
                "unverified_exits": [_exit(each, head) for each in unverified[:LISTED]],
            },
            "own_exits": [_own_exit(case, head) for case in cases if case.key.kind is Kind.OWN_EXIT][:LISTED],
            "cases": {"open": len(cases), "open_cases": [await self._case(case) for case in cases[:LISTED]]},
        }

    def _watcher(self) -> Mapping[str, Any]:
        last = self._watch.last
        status = last.status
        return {
            "fresh": last.fresh,
            "events": len(last.sightings),
            "last_validated_blknum": status.last_validated_blknum if status else None,
            "last_seen_eth_block": status.last_seen_eth_block if status else None,
            "version": status.version if status else None,
        }

    async def _case(self, case: Case) -> Mapping[str, Any]:
        decisions = await self._journal.decisions(case.id)
        last = decisions[-1] if decisions else None
        return {
            "id": case.id,
            "kind": str(case.key.kind),
            "position": str(case.position),
            "exit_id": str(case.key.exit_id),
            "opened_at": case.opened_at,
            "verdict": last.verdict if last else None,
            "reason": last.reason if last else None,
        }


def _wei(amount: Wei | None) -> str | None:
    return None if amount is None else str(amount)


def _head(head: BlockStamp | None) -> Mapping[str, Any]:
    if head is None:
        return {"block": None, "timestamp": None}
    return {"block": head.number, "timestamp": head.timestamp}


def _own_exit(case: Case, head: BlockStamp | None) -> Mapping[str, Any]:
    """Return how far an exit of our own is: `seconds_to_ripe` is None before it was started."""
    left = case.ripe_at - head.timestamp if head and case.ripe_at is not None else None
    return {
        "case": case.id,
        "event": case.event,
        "position": str(case.position),
        "exit_id": str(case.key.exit_id),
        "start_by": case.deadline if case.ripe_at is None else None,
        "ripe_at": case.ripe_at,
        "seconds_to_ripe": left,
    }


def _exit(exit_: TrackedExit, head: BlockStamp | None) -> Mapping[str, Any]:
    return {
        "position": str(exit_.position),
        "exit_id": str(exit_.exit_id),
        "owner": str(exit_.owner),
        "started_block": exit_.started_block,
        "age_seconds": head.timestamp - exit_.started_at if head else None,
    }
