"""What a guard must know about the v0.2 contract beyond the recorded calls, its bugs included."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import pytest_asyncio
import rlp

from conformance.contracts_rootchain.plasma_tx import Payment, block_of
from conformance.contracts_rootchain.replay import BOND, ZERO, Chain
from conformance.contracts_rootchain.story import ACCOUNTS, MIN_EXIT_PERIOD
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.transactor import Transactor, encode_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = ACCOUNTS["alice"], ACCOUNTS["bob"], ACCOUNTS["carol"]
GUARD, OPERATOR, DAVE = ACCOUNTS["guard"], ACCOUNTS["operator"], ACCOUNTS["dave"]
CLEARED = (ZERO, ZERO, 0, 0)
AMOUNT = 5_000


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction in block 1000 that pays `AMOUNT` to alice, bob, carol and dave, funded by a deposit."""

    chain: Chain
    encoded: bytes
    proof: bytes

    def position(self, output: int) -> int:
        return 1000 * 10**9 + output

    async def exit(self, owner: str, output: int) -> int:
        """Start the exit of an output; return its id."""
        position = self.position(output)
        await self.chain.do(owner, "startStandardExit", position, self.encoded, self.proof, value=BOND)
        return int(await self.chain.read("getStandardExitId", self.encoded, position))

    async def exit_fails(self, owner: str, position: int, value: int = BOND) -> str | None:
        return await self.chain.fails(
            owner, "startStandardExit", position, self.encoded, self.proof, value=value
        )

    async def spend(self, signer: int, position: tuple[int, int, int]) -> tuple[bytes, bytes]:
        """Return a spend of a position and the signature of the account with that number."""
        payment = Payment(inputs=[position], outputs=[(DAVE, ZERO, AMOUNT)])
        key = self.chain.evm.accounts[signer].private_key
        return payment.encoded(), payment.signed_by(key, self.chain.address)


@pytest_asyncio.fixture(loop_scope="session")
async def included(chain: Chain) -> Included:
    deposit = Payment(outputs=[(ALICE, ZERO, 10**18)])
    await chain.do(ALICE, "deposit", deposit.encoded(), value=10**18)
    outputs = [(owner, ZERO, AMOUNT) for owner in (ALICE, BOB, CAROL, DAVE)]
    encoded = Payment(inputs=[(1, 0, 0)], outputs=outputs).encoded()
    root, proofs = block_of([encoded])
    await chain.do(OPERATOR, "submitBlock", root)
    return Included(chain, encoded, proofs[0])


async def mature(chain: Chain, token: str = ZERO) -> int:
    """Move to the very second the next exit matures; return it."""
    at = int((await chain.read("getNextExit", token))[0])
    await chain.evm.set_next_timestamp(at)
    await chain.evm.mine()
    return at


async def test_an_honest_exit_pays_amount_and_bond_after_its_maturity(included: Included) -> None:
    """Nothing is paid in the second of maturity; one second later the owner gets amount and bond."""
    chain = included.chain
    exit_id = await included.exit(ALICE, 0)
    at = (await chain.read("getNextExit", ZERO))[0]
    before = await chain.balance(ALICE)
    assert not (await chain.send(GUARD, chain.encode("processExits", ZERO, 0, 9), at=at)).logs
    assert await chain.queue_size(ZERO) == 1
    sent = await chain.send(GUARD, chain.encode("processExits", ZERO, exit_id, 9), at=at + 1)
    assert len(sent.logs) == 1
    assert await chain.balance(ALICE) == before + AMOUNT + BOND
    assert await chain.read("exits", exit_id) == (ZERO, ZERO, AMOUNT, included.position(0))
    assert await included.exit_fails(ALICE, included.position(0)) == "empty_revert"


async def test_maturity_is_two_periods_after_a_young_block_and_one_after_a_deposit(
    included: Included,
) -> None:
    """An output of a block matures 2P after the block, the output of a deposit P after its exit's start."""
    chain = included.chain
    await included.exit(ALICE, 0)
    block = await chain.read("blocks", 1000)
    assert (await chain.read("getNextExit", ZERO))[0] == block[1] + 2 * MIN_EXIT_PERIOD
    payment = Payment(outputs=[(BOB, ZERO, 1)])
    await chain.do(BOB, "deposit", payment.encoded(), value=1)
    _, proofs = block_of([payment.encoded()])
    started = await chain.evm.timestamp() + 5
    data = chain.encode("startStandardExit", 1001 * 10**9, payment.encoded(), proofs[0])
    assert (await chain.send(BOB, data, value=BOND, at=started)).succeeded
    assert (await chain.read("getNextExit", ZERO))[0] == started + MIN_EXIT_PERIOD


@pytest.mark.parametrize(("owner", "output"), [(BOB, 1), (DAVE, 3)])
async def test_an_exit_of_an_odd_output_is_dropped_unpaid(
    included: Included, owner: str, output: int
) -> None:
    """Processing takes it for an in-flight exit: no event, no payment, a bond burnt, the entry left."""
    chain = included.chain
    exit_id = await included.exit(owner, output)
    assert (await chain.read("getNextExit", ZERO))[2] is True
    at = await mature(chain)
    owned, burnt = await chain.balance(owner), await chain.balance(ZERO)
    sent = await chain.send(GUARD, chain.encode("processExits", ZERO, exit_id, 1), at=at + 1)
    assert sent.succeeded
    assert sent.logs == ()
    assert await chain.balance(owner) == owned
    assert await chain.balance(ZERO) == burnt + BOND
    assert await chain.queue_size(ZERO) == 0
    assert (await chain.read("exits", exit_id))[3] == included.position(output)
    assert (await chain.read("inFlightExits", exit_id))[2] == 1 << 255


async def test_a_dropped_odd_exit_stays_challengeable_out_of_other_peoples_money(included: Included) -> None:
    """Its challenge still pays a bond although the exit's own bond was burnt."""
    chain = included.chain
    exit_id = await included.exit(BOB, 1)
    at = await mature(chain)
    await chain.send(GUARD, chain.encode("processExits", ZERO, 0, 1), at=at + 1)
    spend, signature = await included.spend(2, (1000, 0, 1))
    held = await chain.balance(chain.address)
    sent = await chain.do(GUARD, "challengeStandardExit", exit_id, spend, 0, signature)
    assert sent.gain == BOND
    assert await chain.balance(chain.address) == held - BOND
    assert await chain.read("exits", exit_id) == CLEARED


@pytest.mark.parametrize("offset", [256, 512, 65536 * 10**4])
async def test_an_exit_under_an_alias_of_its_position_escapes_the_honest_spend(
    included: Included, offset: int
) -> None:
    """Output indexes count modulo 256 and transaction indexes modulo 65536, the stored position does not.

    The alias gives the same exit id, but a challenge must name the alias as its input, which no honest spend
    of the output does: such an exit cannot be challenged with the spend that the child chain holds.
    """
    chain = included.chain
    position = included.position(0) + offset
    exit_id = await chain.read("getStandardExitId", included.encoded, included.position(0))
    await chain.do(ALICE, "startStandardExit", position, included.encoded, included.proof, value=BOND)
    assert await chain.read("exits", exit_id) == (ALICE.lower(), ZERO, AMOUNT, position)
    spend, signature = await included.spend(1, (1000, 0, 0))
    assert await chain.fails(GUARD, "challengeStandardExit", exit_id, spend, 0, signature) == "empty_revert"


async def test_a_deposit_is_paid_once_per_alias_of_its_position(included: Included) -> None:
    """The position is part of a deposit's exit id, so its aliases are exits of their own, each paid."""
    chain = included.chain
    await chain.do(BOB, "deposit", Payment(outputs=[(BOB, ZERO, 3 * 10**18)]).encoded(), value=3 * 10**18)
    payment = Payment(outputs=[(ALICE, ZERO, 10**18)])
    await chain.do(ALICE, "deposit", payment.encoded(), value=10**18)
    _, proofs = block_of([payment.encoded()])
    for alias in (0, 256, 65536 * 10**4):
        position = 1002 * 10**9 + alias
        arguments = (position, payment.encoded(), proofs[0])
        await chain.do(ALICE, "startStandardExit", *arguments, value=BOND)
    await chain.evm.set_next_timestamp(await mature(chain) + MIN_EXIT_PERIOD)
    await chain.evm.mine()
    before = await chain.balance(ALICE)
    await chain.do(GUARD, "processExits", ZERO, 0, 3)
    assert await chain.balance(ALICE) == before + 3 * (10**18 + BOND)


@pytest.mark.parametrize("shift", [0, -27])
async def test_both_spellings_of_the_recovery_id_are_accepted(included: Included, shift: int) -> None:
    """A signature's v may be 27 or 28, or 0 or 1."""
    exit_id = await included.exit(ALICE, 0)
    spend, signature = await included.spend(1, (1000, 0, 0))
    signature = signature[:64] + bytes([signature[64] + shift])
    sent = await included.chain.do(GUARD, "challengeStandardExit", exit_id, spend, 0, signature)
    assert sent.gain == BOND


async def test_a_challenge_works_after_maturity_until_the_exit_is_processed(included: Included) -> None:
    """Maturity ends nothing by itself: the exit can be challenged until somebody processes it."""
    chain = included.chain
    exit_id = await included.exit(ALICE, 0)
    await chain.evm.set_next_timestamp(await mature(chain) + 3600)
    await chain.evm.mine()
    spend, signature = await included.spend(1, (1000, 0, 0))
    assert await chain.fails(GUARD, "challengeStandardExit", exit_id, spend, 0, signature) is None
    await chain.do(GUARD, "processExits", ZERO, 0, 1)
    assert await chain.fails(GUARD, "challengeStandardExit", exit_id, spend, 0, signature) == "empty_revert"


@pytest.mark.parametrize("index", [4, 255])
async def test_an_input_index_above_three_burns_all_gas(included: Included, index: int) -> None:
    """An index outside the four slots is an invalid opcode, not a revert."""
    exit_id = await included.exit(ALICE, 0)
    spend, signature = await included.spend(1, (1000, 0, 0))
    kind = await included.chain.fails(GUARD, "challengeStandardExit", exit_id, spend, index, signature)
    assert kind == "all_gas_consumed"


async def test_an_output_index_above_three_burns_all_gas(included: Included) -> None:
    """The same holds for the output index of a position."""
    assert await included.exit_fails(ALICE, included.position(4)) == "all_gas_consumed"
    assert (
        await included.chain.fails(GUARD, "getInFlightExitOutput", included.encoded, 8) == "all_gas_consumed"
    )


async def test_a_transaction_with_three_inputs_burns_all_gas(chain: Chain) -> None:
    """The lists are padded to four slots; a shorter one runs into an invalid opcode."""
    inputs, outputs = rlp.decode(Payment(outputs=[(ALICE, ZERO, 1)]).encoded())
    data = chain.encode("deposit", rlp.encode([inputs[:3], outputs]))
    failure = await chain.failure(ALICE, data, value=1)
    assert failure is not None
    assert (failure.kind, failure.gas_used) == ("all_gas_consumed", 4_000_000)


@pytest.mark.parametrize("owner", [ALICE[:-2], ALICE + "00", "0x"])
async def test_an_address_has_exactly_twenty_bytes(chain: Chain, owner: str) -> None:
    """A shorter or longer owner is refused, not padded."""
    payment = Payment(outputs=[(owner, ZERO, 1)])
    assert await chain.fails(ALICE, "deposit", payment.encoded(), value=1) == "empty_revert"


@pytest.mark.parametrize("value", [0, BOND - 1, BOND + 1])
async def test_the_bond_must_be_exact(included: Included, value: int) -> None:
    """More than the bond is refused just as less is."""
    assert await included.exit_fails(ALICE, included.position(0), value) == "empty_revert"
    assert await included.exit_fails(ALICE, included.position(0)) is None


async def test_a_call_that_takes_no_ether_refuses_it(included: Included) -> None:
    """Value sent along with a challenge, a block or processing reverts."""
    chain = included.chain
    exit_id = await included.exit(ALICE, 0)
    spend, signature = await included.spend(1, (1000, 0, 0))
    calls = [
        (GUARD, chain.encode("challengeStandardExit", exit_id, spend, 0, signature)),
        (OPERATOR, chain.encode("submitBlock", bytes(32))),
        (GUARD, chain.encode("processExits", ZERO, 0, 1)),
    ]
    for sender, data in calls:
        failure = await chain.failure(sender, data, value=1)
        assert failure is not None
        assert failure.kind == "empty_revert"
        assert await chain.failure(sender, data) is None


async def test_an_erc20_exit_pays_tokens_and_returns_the_bond(chain: Chain) -> None:
    """The owner gets the tokens from the contract and the bond in ether."""
    token, address = artifacts.load("TestToken"), chain.tokens[0]
    transactor, key = Transactor(chain.evm), chain.evm.accounts[1].private_key
    await transactor.send(key, address, token, "approve", chain.address, AMOUNT)
    payment = Payment(outputs=[(ALICE, address, AMOUNT)])
    await chain.do(ALICE, "depositFrom", payment.encoded())
    _, proofs = block_of([payment.encoded()])
    exit_call = ("startStandardExit", 10**9, payment.encoded(), proofs[0])
    assert await chain.fails(ALICE, *exit_call, value=BOND) == "empty_revert"  # no queue yet
    await chain.do(GUARD, "addToken", address)
    await chain.do(ALICE, *exit_call, value=BOND)

    at = await mature(chain, address)
    ether, tokens = await chain.balance(ALICE), await transactor.call(address, token, "balanceOf", ALICE)
    await chain.do(GUARD, "processExits", address, 0, 1, at=at + 1)
    assert await chain.balance(ALICE) == ether + BOND
    assert await transactor.call(address, token, "balanceOf", ALICE) == tokens + AMOUNT


async def test_exits_leave_the_queue_by_maturity_then_position_then_id(included: Included) -> None:
    """Exits of one transaction mature together and are ordered by id, which starts with the output index."""
    chain = included.chain
    ids = [await included.exit(owner, output) for owner, output in ((CAROL, 2), (ALICE, 0))]
    later = await chain.evm.timestamp() + 60
    await chain.do(OPERATOR, "startFeeExit", ZERO, 7, value=BOND, at=later)
    await chain.evm.set_next_timestamp(await mature(chain) + 2 * MIN_EXIT_PERIOD)
    await chain.evm.mine()
    heads = []
    while await chain.queue_size(ZERO):
        heads.append((await chain.read("getNextExit", ZERO))[1])
        await chain.do(GUARD, "processExits", ZERO, heads[-1], 1)
    assert heads == [ids[1], ids[0], await chain.read("getFeeExitId", 1)]


async def test_an_output_without_amount_cannot_exit(chain: Chain) -> None:
    """An included output of zero is refused to its owner."""
    deposit = Payment(outputs=[(ALICE, ZERO, 0)])
    await chain.do(ALICE, "deposit", deposit.encoded())
    _, proofs = block_of([deposit.encoded()])
    arguments = (10**9, deposit.encoded(), proofs[0])
    assert await chain.fails(ALICE, "startStandardExit", *arguments, value=BOND) == "empty_revert"


async def test_an_unrecoverable_signature_is_not_the_zero_owner(included: Included) -> None:
    """A finalized exit has owner zero and keeps its position; a broken signature does not match it."""
    chain = included.chain
    exit_id = await included.exit(ALICE, 0)
    at = await mature(chain)
    await chain.do(GUARD, "processExits", ZERO, 0, 1, at=at + 1)
    spend, _ = await included.spend(1, (1000, 0, 0))
    broken = bytes(64) + bytes([27])
    assert await chain.fails(GUARD, "challengeStandardExit", exit_id, spend, 0, broken) == "empty_revert"


async def test_a_deposit_has_no_inputs_and_one_output(chain: Chain) -> None:
    """A deposit that spends something, or pays a second output, is refused."""
    outputs = [(ALICE, ZERO, 1)]
    for payment in (
        Payment(inputs=[(1, 0, 0)], outputs=outputs),
        Payment(outputs=[*outputs, (ALICE, ZERO, 1)]),
    ):
        assert await chain.fails(ALICE, "deposit", payment.encoded(), value=1) == "empty_revert"
    assert await chain.fails(ALICE, "deposit", Payment(outputs=outputs).encoded(), value=1) is None


async def test_nobody_but_the_root_chain_changes_a_queue(chain: Chain) -> None:
    """Inserting into a queue from outside reverts, popping it as well."""
    await chain.do(OPERATOR, "startFeeExit", ZERO, 1, value=BOND)
    queue = await chain.read("exitsQueues", ZERO)
    abi = artifacts.load("RootChainQueue").abi
    for name, arguments in (("insert", (1,)), ("delMin", ())):
        data = "0x" + encode_call(abi, name, arguments).hex()
        assert not (await chain.send(OPERATOR, data, to=queue)).succeeded
    assert await chain.queue_size(ZERO) == 1


async def test_in_flight_reads_answer_zero(included: Included) -> None:
    """Of an exit that was never started every read is zero, and the bonds are readable."""
    chain = included.chain
    exit_id = await chain.read("getInFlightExitId", included.encoded)
    assert await chain.read("inFlightExits", exit_id) == (0, 0, 0, ZERO, 0)
    for slot in range(8):
        assert await chain.read("getInFlightExitOutput", included.encoded, slot) == (ZERO, ZERO, 0)
    for name in ("standardExitBond", "inFlightExitBond", "piggybackBond"):
        assert await chain.read(name) == BOND
    assert [await chain.read("flagged", 1 << bit) for bit in (253, 254, 255)] == [False, True, True]


async def test_constants_and_counters_of_a_fresh_contract(chain: Chain) -> None:
    """A fresh contract is at child block 1000, deposit 1, fee exit 1, and knows its operator."""
    names = ("nextChildBlock", "nextDepositBlock", "getDepositBlockNumber", "nextFeeExit", "minExitPeriod")
    assert [await chain.read(name) for name in names] == [1000, 1, 1, 1, MIN_EXIT_PERIOD]
    assert [await chain.read(name) for name in ("CHILD_BLOCK_INTERVAL", "MAX_INPUTS")] == [1000, 4]
    assert await chain.read("operator") == OPERATOR.lower()
    assert await chain.fails(GUARD, "_initOperator") == "empty_revert"


async def test_the_contract_fits_into_the_code_size_limit(chain: Chain) -> None:
    """Deployed code stays below 24576 bytes, the in-flight calls included."""
    code = await chain.evm.rpc("eth_getCode", chain.address, "latest")
    assert len(code) // 2 - 1 < 24_576
