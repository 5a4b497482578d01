"""A private copy of a root chain, to try on it what would cost money on the real one.

Nothing is signed: a signature made for a rehearsal would be just as good on the real chain. The copy lets an
account send without its key instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from plasma_guard.chain.chain import RpcChain
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.devnet.jsonrpc import EvmRpcError
from plasma_guard.devnet.relay import reading
from plasma_guard.domain.errors import CallReverted, ChainUnavailable
from plasma_guard.domain.primitives import Hash32

if TYPE_CHECKING:
    from plasma_guard.domain.blocks import BlockStamp
    from plasma_guard.domain.primitives import Address, Timestamp
    from plasma_guard.domain.transactions import Receipt, TxCandidate
    from plasma_guard.ports import Clock

_FREE: Final = "0x0"


class CopiedChain:
    """A copy as of one block; `chain` reads it. Made by `copied`."""

    def __init__(self, evm: Evm, chain: RpcChain) -> None:
        self.chain = chain
        self._evm = evm
        self._known: set[Address] = set()

    async def send(self, candidate: TxCandidate) -> Receipt:
        """Have a call mined from its account, whose balance must cover its value; raises `CallReverted`.

        Its gas is free, so that a balance that covers all bonds is enough: what the gas costs is counted by
        the receipt's gas units.
        """
        sender = str(candidate.account)
        if candidate.account not in self._known:
            await self._evm.impersonate(sender)
            self._known.add(candidate.account)
        call = {
            "from": sender,
            "to": str(candidate.to),
            "data": "0x" + candidate.data.hex(),
            "value": hex(candidate.value),
            "gasPrice": _FREE,
            **({} if candidate.gas_limit is None else {"gas": hex(candidate.gas_limit)}),
        }
        await self._evm.rpc("anvil_setNextBlockBaseFeePerGas", _FREE)  # it rises again with every block
        try:
            tx_hash = Hash32.parse(await self._evm.rpc("eth_sendTransaction", call))
        except EvmRpcError as error:
            raise CallReverted(None, message=str(error)) from error
        await self._evm.mine()
        receipt = await self.chain.receipt(tx_hash)
        if receipt is None:
            raise ChainUnavailable(f"the copy took {candidate.purpose} and did not mine it")
        if not receipt.success:
            raise CallReverted(None, message=f"{candidate.purpose} was mined and failed")
        return receipt

    async def skip_to(self, timestamp: Timestamp) -> BlockStamp:
        """Mine a block at a time to come, and return it."""
        await self._evm.set_next_timestamp(timestamp)
        await self._evm.mine()
        return await self.chain.head()


@contextlib.asynccontextmanager
async def copied(
    rpc_url: str,
    at: BlockStamp,
    chain_id: int,
    clock: Clock,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[CopiedChain]:
    """Make a copy of the chain behind a node as of block `at`; raises `DevnetError` when none can be made."""
    async with contextlib.AsyncExitStack() as stack:
        source = await stack.enter_async_context(reading(rpc_url))
        options = EvmOptions(chain_id=chain_id, accounts=1, fork_url=source, fork_block=at.number)
        evm = await stack.enter_async_context(Evm(options, progress=progress))
        chain = await stack.enter_async_context(RpcChain.connect([evm.rpc_url], clock, chain_id=chain_id))
        found = await chain.block(at.number)
        if found is None or found.hash != at.hash:
            raise DevnetError(
                f"the copy has another block {at.number} than the root chain: is it reorganized?"
            )
        await evm.set_automine(enabled=False)
        yield CopiedChain(evm, chain)
