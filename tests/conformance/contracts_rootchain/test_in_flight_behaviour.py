"""What a guard must know about v0.2 in-flight exits beyond the recorded calls, the bugs included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio
import rlp

from conformance.contracts_rootchain.plasma_tx import Payment, block_of, nested
from conformance.contracts_rootchain.replay import BOND, ZERO, Chain, Sent
from conformance.contracts_rootchain.story import ACCOUNTS, MIN_EXIT_PERIOD
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.transactor import Transactor

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = ACCOUNTS["alice"], ACCOUNTS["bob"], ACCOUNTS["carol"]
GUARD, OPERATOR, DAVE = ACCOUNTS["guard"], ACCOUNTS["operator"], ACCOUNTS["dave"]
ETHER: Final = 10**18
POSITION: Final = 1000 * 10**9
FINALIZED: Final = 1 << 255
# Of everybody, in slots 0, 1, 4 and 5.
OWNERS: Final = {0: ALICE, 1: BOB, 4: CAROL, 5: DAVE}


def key_of(chain: Chain, address: str) -> str:
    return chain.evm.accounts[list(ACCOUNTS.values()).index(address)].private_key


@dataclass(frozen=True, slots=True)
class InFlight:
    """A transaction that spends deposits of alice (block 1) and bob (block 2), paying carol and dave."""

    chain: Chain
    payment: Payment
    deposits: tuple[bytes, ...]

    @property
    def tx(self) -> bytes:
        return self.payment.encoded()

    @property
    def proof(self) -> bytes:
        """Shows the transaction in a block that holds nothing else."""
        return block_of([self.tx])[1][0]

    def arguments(self) -> list[bytes]:
        """Return what starts the exit: transaction, input transactions, proofs, signatures."""
        proofs = [block_of([deposit])[1][0] for deposit in self.deposits]
        signatures = [
            self.payment.signed_by(key_of(self.chain, owner), self.chain.address) for owner in (ALICE, BOB)
        ]
        return [self.tx, nested(self.deposits), b"".join(proofs), b"".join(signatures)]

    async def start(self) -> int:
        """Start the exit for the guard; return the second it started."""
        await self.chain.do(GUARD, "startInFlightExit", *self.arguments(), value=BOND)
        return await self.chain.evm.timestamp()

    async def include(self) -> None:
        await self.chain.do(OPERATOR, "submitBlock", block_of([self.tx])[0])

    async def piggyback(self, *slots: int) -> None:
        for slot in slots:
            await self.chain.do(OWNERS[slot], "piggybackInFlightExit", self.tx, slot, value=BOND)

    async def piggyback_fails(self, slot: int) -> str | None:
        return await self.chain.fails(OWNERS[slot], "piggybackInFlightExit", self.tx, slot, value=BOND)

    def spend(self, position: tuple[int, int, int], owner: str) -> tuple[bytes, bytes]:
        """Return another spend of a position and its owner's signature."""
        payment = Payment([position], [(GUARD, ZERO, 1)])
        return payment.encoded(), payment.signed_by(key_of(self.chain, owner), self.chain.address)

    def rival(self, index: int = 0) -> tuple[object, ...]:
        """Return the arguments that show an unincluded competitor for an input."""
        spend, signature = self.spend(self.payment.inputs[index], OWNERS[index])
        return (self.tx, index, spend, 0, 0, b"", signature)

    async def block_input(self, index: int) -> Sent:
        spend, signature = self.spend(self.payment.inputs[index], OWNERS[index])
        return await self.chain.do(
            GUARD, "challengeInFlightExitInputSpent", self.tx, index, spend, 0, signature
        )

    async def state(self) -> tuple[int, int, int, str, int]:
        exit_id = await self.chain.read("getInFlightExitId", self.tx)
        start, priority, exit_map, bond_owner, oldest = await self.chain.read("inFlightExits", exit_id)
        return start, priority, exit_map, bond_owner, oldest

    async def process(self, token: str = ZERO) -> dict[str, int]:
        """Process the head once it has matured; return what each owner, and nobody, was paid."""
        chain = self.chain
        at = int((await chain.read("getNextExit", token))[0]) + 1
        watched = [*OWNERS.values(), ZERO]
        before = [await chain.balance(who) for who in watched]
        now = await chain.evm.timestamp()
        data = chain.encode("processExits", token, 0, 1)
        assert (await chain.send(OPERATOR, data, at=max(at, now + 1))).succeeded
        after = [await chain.balance(who) for who in watched]
        return {who: new - old for who, old, new in zip(watched, before, after, strict=True) if new != old}


@pytest_asyncio.fixture(loop_scope="session")
async def in_flight(chain: Chain) -> InFlight:
    deposits = tuple(Payment(outputs=[(owner, ZERO, ETHER)]).encoded() for owner in (ALICE, BOB))
    for owner, deposit in zip((ALICE, BOB), deposits, strict=True):
        await chain.do(owner, "deposit", deposit, value=ETHER)
    payment = Payment([(1, 0, 0), (2, 0, 0)], [(CAROL, ZERO, ETHER), (DAVE, ZERO, ETHER // 2)])
    return InFlight(chain, payment, deposits)


async def test_a_canonical_exit_pays_outputs_and_gives_inputs_their_bond(in_flight: InFlight) -> None:
    """Piggybacked outputs get amount and bond, piggybacked inputs the bond, the starter the exit's bond."""
    await in_flight.start()
    await in_flight.piggyback(0, 4)
    before = await in_flight.chain.balance(GUARD)
    assert await in_flight.process() == {ALICE: BOND, CAROL: ETHER + BOND}
    assert await in_flight.chain.balance(GUARD) == before + BOND
    assert await in_flight.state() == (0, 0, FINALIZED | 1 << 8 | 1 << 12, ZERO, 0)


async def test_a_non_canonical_exit_pays_inputs_and_gives_outputs_their_bond(in_flight: InFlight) -> None:
    """After a competitor nobody answered, the reverse; the bond goes to the challenger, who is forgotten."""
    chain = in_flight.chain
    await in_flight.start()
    await in_flight.piggyback(0, 4)
    await chain.do(DAVE, "challengeInFlightExitNotCanonical", *in_flight.rival())
    assert await in_flight.process() == {ALICE: ETHER + BOND, CAROL: BOND, DAVE: BOND}
    assert await in_flight.state() == (0, 0, FINALIZED | 1 << 8 | 1 << 12, ZERO, 0)


async def test_an_exit_that_nobody_joins_is_never_queued(in_flight: InFlight) -> None:
    """Without a piggyback there is nothing to process, and the bond stays in the contract."""
    await in_flight.start()
    assert await in_flight.chain.queue_size(ZERO) == 0


async def test_the_first_phase_ends_at_half_the_period(in_flight: InFlight) -> None:
    """Piggyback and competitor are taken in the last second of the first half, and not one second later."""
    chain = in_flight.chain
    half = await in_flight.start() + MIN_EXIT_PERIOD // 2
    calls = [
        (ALICE, chain.encode("piggybackInFlightExit", in_flight.tx, 0), BOND),
        (GUARD, chain.encode("challengeInFlightExitNotCanonical", *in_flight.rival()), 0),
    ]
    for sender, data, value in calls:
        for at, taken in ((half - 1, True), (half, False)):
            snapshot = await chain.evm.snapshot()
            assert (await chain.send(sender, data, value=value, at=at)).succeeded is taken
            await chain.evm.revert(snapshot)


async def test_a_blocked_piggyback_comes_back_and_its_second_turn_burns_a_bond(in_flight: InFlight) -> None:
    """Alone of its token it is queued twice: the first turn ends the exit, the second burns a bond."""
    await in_flight.start()
    await in_flight.piggyback(0)
    sent = await in_flight.block_input(0)
    assert sent.gain == BOND
    assert (await in_flight.state())[2] == 0
    await in_flight.piggyback(0)
    assert await in_flight.chain.queue_size(ZERO) == 2
    assert await in_flight.process() == {ALICE: BOND}
    assert await in_flight.process() == {ZERO: BOND}


async def test_a_spent_piggyback_can_be_challenged_until_it_is_processed(in_flight: InFlight) -> None:
    """Neither the end of the first phase nor maturity ends it."""
    chain = in_flight.chain
    await in_flight.start()
    await in_flight.piggyback(0, 4)
    await chain.evm.set_next_timestamp((await chain.read("getNextExit", ZERO))[0] + 3600)
    await chain.evm.mine()
    await in_flight.block_input(0)
    assert await in_flight.process() == {CAROL: ETHER + BOND}


async def test_a_blocked_input_and_a_blocked_output_look_alike(in_flight: InFlight) -> None:
    """Input 1 and output 1 leave the same event; only the map tells that slot 1 went first, then slot 5."""
    chain = in_flight.chain
    await in_flight.include()
    await in_flight.start()
    await in_flight.piggyback(1, 5)
    blocked = await in_flight.block_input(1)
    assert (await in_flight.state())[2] == 1 << 5
    spend, signature = in_flight.spend((1000, 0, 1), DAVE)
    arguments = (in_flight.tx, POSITION + 1, in_flight.proof, spend, 0, signature)
    sent = await chain.do(GUARD, "challengeInFlightExitOutputSpent", *arguments)
    assert (await in_flight.state())[2] == 0
    assert sent.logs == blocked.logs


async def test_an_output_is_spent_only_if_the_transaction_is_in_a_block(in_flight: InFlight) -> None:
    """The same challenge is refused before the transaction is included and taken after."""
    await in_flight.start()
    await in_flight.piggyback(4)
    spend, signature = in_flight.spend((1000, 0, 0), CAROL)
    call = ("challengeInFlightExitOutputSpent", in_flight.tx, POSITION, in_flight.proof, spend, 0, signature)
    assert await in_flight.chain.fails(GUARD, *call) == "empty_revert"
    await in_flight.include()
    assert await in_flight.chain.fails(GUARD, *call) is None


async def test_positions_are_compared_with_their_output_index(in_flight: InFlight) -> None:
    """A response at output 1 can be topped by one at output 0, which takes the bond; no third is taken."""
    chain = in_flight.chain
    await in_flight.include()
    await in_flight.start()
    await chain.do(GUARD, "challengeInFlightExitNotCanonical", *in_flight.rival())
    await chain.do(GUARD, "respondToNonCanonicalChallenge", in_flight.tx, POSITION + 1, in_flight.proof)
    await chain.do(DAVE, "respondToNonCanonicalChallenge", in_flight.tx, POSITION, in_flight.proof)
    start, _, _, bond_owner, oldest = await in_flight.state()
    assert (start >> 254, bond_owner, oldest) == (0, DAVE.lower(), POSITION)
    again = ("respondToNonCanonicalChallenge", in_flight.tx, POSITION, in_flight.proof)
    assert await chain.fails(GUARD, *again) == "empty_revert"


async def test_a_competitor_younger_than_the_response_is_refused(in_flight: InFlight) -> None:
    """Once the exit answered with its own position, only an older competitor counts."""
    chain = in_flight.chain
    await in_flight.include()
    spend, signature = in_flight.spend((1, 0, 0), ALICE)
    root, proofs = block_of([spend])
    await chain.do(OPERATOR, "submitBlock", root)
    await in_flight.start()
    included = (in_flight.tx, 0, spend, 0, 2 * POSITION, proofs[0], signature)
    assert await chain.fails(GUARD, "challengeInFlightExitNotCanonical", *included) is None
    await chain.do(GUARD, "challengeInFlightExitNotCanonical", *in_flight.rival())
    await chain.do(GUARD, "respondToNonCanonicalChallenge", in_flight.tx, POSITION, in_flight.proof)
    for late in (included, in_flight.rival()):
        assert await chain.fails(GUARD, "challengeInFlightExitNotCanonical", *late) == "empty_revert"


async def test_an_input_paid_by_a_standard_exit_ends_the_game_before_it_starts(in_flight: InFlight) -> None:
    """Bit 254 is set at the start; then neither a piggyback nor a competitor is taken."""
    chain = in_flight.chain
    _, proofs = block_of([in_flight.deposits[0]])
    await chain.do(ALICE, "startStandardExit", 10**9, in_flight.deposits[0], proofs[0], value=BOND)
    assert await in_flight.process() == {ALICE: ETHER + BOND}
    await in_flight.start()
    assert (await in_flight.state())[0] >> 254 == 1
    assert await in_flight.piggyback_fails(1) == "empty_revert"
    rival = in_flight.rival(1)
    assert await chain.fails(GUARD, "challengeInFlightExitNotCanonical", *rival) == "empty_revert"


async def test_an_input_index_above_three_burns_all_gas(in_flight: InFlight) -> None:
    """An index that names an output's slot passes for a piggybacked input, then the opcode is invalid."""
    chain = in_flight.chain
    await in_flight.start()
    await in_flight.piggyback(4)
    tx, _, spend, *_, signature = in_flight.rival()
    for index, kind in ((4, "all_gas_consumed"), (5, "empty_revert")):
        spent = (tx, index, spend, 0, signature)
        assert await chain.fails(GUARD, "challengeInFlightExitInputSpent", *spent) == kind
    rival = (tx, 4, spend, 0, 0, b"", signature)
    assert await chain.fails(GUARD, "challengeInFlightExitNotCanonical", *rival) == "all_gas_consumed"


async def test_input_transactions_are_lists_and_may_be_padded(in_flight: InFlight) -> None:
    """Items that are byte strings revert; the padding of a v0.2 Watcher's answer is accepted."""
    chain = in_flight.chain
    tx, inputs, proofs, signatures = in_flight.arguments()
    strings = bytes(rlp.encode(list(in_flight.deposits)))
    assert (
        await chain.fails(GUARD, "startInFlightExit", tx, strings, proofs, signatures, value=BOND)
        == "empty_revert"
    )
    padded = bytes(rlp.encode([*rlp.decode(inputs), b"", b""]))
    call = ("startInFlightExit", tx, padded, proofs, signatures + bytes(130))
    assert await chain.fails(GUARD, *call, value=BOND) is None


async def test_outputs_worth_more_than_the_inputs_are_refused(in_flight: InFlight) -> None:
    """One wei too much is refused."""
    chain = in_flight.chain
    for extra, kind in ((0, None), (1, "empty_revert")):
        payment = Payment(in_flight.payment.inputs, [(CAROL, ZERO, 2 * ETHER + extra)])
        arguments = InFlight(chain, payment, in_flight.deposits).arguments()
        assert await chain.fails(GUARD, "startInFlightExit", *arguments, value=BOND) == kind


async def test_inputs_of_four_tokens_need_four_outputs(chain: Chain) -> None:
    """An empty output counts as ether, a fifth token, for which there is no room."""
    token, key = artifacts.load("TestToken"), key_of(chain, ALICE)
    transactor = Transactor(chain.evm)
    tokens = [*chain.tokens]
    tokens += [await transactor.create(key, token, name, name) for name in ("THREE", "FOUR")]
    deposits = []
    for address in tokens:
        await transactor.send(key, address, token, "mint", ALICE, 1)
        await transactor.send(key, address, token, "approve", chain.address, 1)
        deposits.append(Payment(outputs=[(ALICE, address, 1)]).encoded())
        await chain.do(ALICE, "depositFrom", deposits[-1])
    proofs = b"".join(block_of([deposit])[1][0] for deposit in deposits)
    for outputs, kind in ((4, None), (3, "empty_revert")):
        payment = Payment(
            [(blknum, 0, 0) for blknum in (1, 2, 3, 4)],
            [(BOB, address, 1) for address in tokens[:outputs]],
        )
        signatures = payment.signed_by(key, chain.address) * 4
        arguments = (payment.encoded(), nested(deposits), proofs, signatures)
        assert await chain.fails(GUARD, "startInFlightExit", *arguments, value=BOND) == kind
