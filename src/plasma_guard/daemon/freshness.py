"""Whether a Watcher's answer may be believed to be about now."""

from collections.abc import Mapping
from dataclasses import dataclass

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import ContractSet
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL
from plasma_guard.domain.primitives import Address, Timestamp
from plasma_guard.domain.watchers import WatcherStatus

FROZEN_AFTER_BLOCKS = 40
"""A service that has not moved while the root chain made this many blocks is frozen: honest ones trail the
head by 12 blocks and a few seconds."""


@dataclass(frozen=True, slots=True)
class FreshnessLimits:
    """How far a Watcher may be behind: in child blocks, and in seconds of root-chain time."""

    max_lag_blocks: int
    max_head_age: int


class Freshness:
    """Judges each answer against the root chain and against the answers before it."""

    def __init__(self, contracts: ContractSet, limits: FreshnessLimits) -> None:
        self._contracts = contracts
        self._limits = limits
        self._moved: dict[str, tuple[int, int]] = {}

    def complaints(self, status: WatcherStatus, head: BlockStamp, mined_blknum: int) -> dict[str, str]:
        """Return what is wrong with an answer, by kind of trouble; empty when it is fresh.

        `mined_blknum` is the newest operator block according to the root chain itself.
        """
        checks = {
            "contracts": self._wrong_contracts(status.contract_addresses),
            "validation": self._validated_lag(status.last_validated_blknum, mined_blknum),
            "head": self._stale_head(status, head),
            "services": self._frozen_services(status.services, head.number),
            "syncing": "its own Ethereum node is syncing" if status.eth_syncing else None,
        }
        return {kind: complaint for kind, complaint in checks.items() if complaint}

    def _wrong_contracts(self, claimed: Mapping[str, Address]) -> str | None:
        contracts = self._contracts
        expected: dict[str, Address | None] = {
            "root_chain": contracts.entry,
            "plasma_framework": contracts.entry,
            "payment_exit_game": contracts.exit_game,
            "eth_vault": contracts.eth_vault,
            "erc20_vault": contracts.erc20_vault,
        }
        for name, address in claimed.items():
            ours = expected.get(name)
            if ours is not None and ours != address:
                return f"it watches another network: its {name} is {address}, ours is {ours}"
        return None

    def _validated_lag(self, validated: int, mined: int) -> str | None:
        lag = (mined - validated) // CHILD_BLOCK_INTERVAL
        if lag > self._limits.max_lag_blocks:
            return f"it has validated block {validated} while {mined} is mined: {lag} blocks behind or halted"
        return None

    def _stale_head(self, status: WatcherStatus, head: BlockStamp) -> str | None:
        seen: Timestamp | None = status.last_seen_eth_time
        if seen is None:
            return None
        age = head.timestamp - seen
        if age > self._limits.max_head_age:
            return f"the newest root-chain block it has seen is {age} s older than ours"
        return None

    def _frozen_services(self, services: Mapping[str, int], head: int) -> str | None:
        frozen = []
        for name, height in services.items():
            last = self._moved.get(name)
            if last is None or last[0] != height:
                self._moved[name] = (height, head)
            elif head - last[1] > FROZEN_AFTER_BLOCKS:
                frozen.append(f"{name} stands at {height}")
        self._moved = {name: moved for name, moved in self._moved.items() if name in services}
        if frozen:
            return f"services do not move: {', '.join(sorted(frozen)[:5])}"
        return None
