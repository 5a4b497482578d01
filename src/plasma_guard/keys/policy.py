"""What a signer may sign, whatever the rest of the guard was made to believe."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from plasma_guard.domain.errors import PolicyViolation
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.plasma.keccak import digest

SELECTOR_LENGTH = 4
WORD = 32


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """The allowlist of one signer.

    `calls` maps each contract to the 4-byte selectors it may be called with, and each selector to the exact
    values in wei that may go with it: the bonds, and 0 for a challenge. `max_gas_cost` is the most that gas
    limit times price cap may come to, in wei, `max_gas_cost_per_day` the same for all nonces of 24 hours
    together (None: no such cap). A transfer of nothing to the account itself, which frees a nonce, is always
    allowed within those caps. `bound` maps selectors to the place in the calldata, in bytes, of a word that
    must be keccak256 of the account: who gets what such a call pays.
    """

    chain_id: int
    calls: Mapping[Address, Mapping[bytes, Collection[Wei]]]
    max_gas_cost: Wei
    max_gas_cost_per_day: Wei | None = None
    bound: Mapping[bytes, int] = field(default_factory=dict)

    def check(
        self,
        account: Address,
        *,
        to: Address | None,
        value: int,
        data: bytes,
        gas: int,
        max_fee: int,
        chain_id: int,
    ) -> None:
        """Raise `PolicyViolation`, with the rule and the offending field, unless all of it is allowed."""
        if chain_id != self.chain_id:
            raise PolicyViolation(f"chain id {chain_id}: this signer signs for chain {self.chain_id} only")
        if gas * max_fee > self.max_gas_cost:
            raise PolicyViolation(
                f"gas cost: {gas} gas at up to {max_fee} wei comes to {gas * max_fee} wei, "
                f"above this signer's cap of {self.max_gas_cost} wei; raise the cap if that is meant"
            )
        if to is None:
            raise PolicyViolation("to: a contract creation is never the guard's business")
        if to == account and value == 0 and not data:
            return
        selectors = self.calls.get(to)
        if selectors is None:
            raise PolicyViolation(f"to: {to} is not among the contracts this signer may call")
        selector = data[:SELECTOR_LENGTH]
        values = selectors.get(selector)
        if values is None:
            raise PolicyViolation(
                f"data: the function 0x{selector.hex()} of {to} is not one this signer may call"
            )
        place = self.bound.get(selector)
        if place is not None and data[place : place + WORD] != digest(account):
            raise PolicyViolation(f"data: 0x{selector.hex()} names another recipient than {account}")
        if value not in values:
            allowed = ", ".join(str(each) for each in sorted(values)) or "none"
            raise PolicyViolation(
                f"value: {value} wei with 0x{selector.hex()}; exactly these are allowed: {allowed}"
            )
