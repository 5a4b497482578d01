"""What is read from the root chain next to an event, because its log alone does not say it."""

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.exits import (
    ExitStarted,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitStarted,
    RootChainEvent,
)
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.ports import Chain, ExitGame
from plasma_guard.verifier.game import NO_FACTS, Facts
from plasma_guard.verifier.in_flight_exits import InFlightExits


class Recognizer:
    """Reads facts as they are at `head`, not as they were: an exit challenged meanwhile is never reported."""

    def __init__(self, game: ExitGame, chain: Chain, exits: InFlightExits) -> None:
        self._game = game
        self._chain = chain
        self._exits = exits

    async def facts(self, event: RootChainEvent, head: BlockStamp) -> Facts:
        """Return the facts that belong to an event; raises `ChainUnavailable` and `ContractError`."""
        match event:
            case ExitStarted():
                [entry] = await self._game.standard_exits([event.exit_id], head)
                return Facts(at=await self._time(event.block_number), entry=entry)
            case InFlightExitStarted():
                start = await self._game.in_flight_start_data(event, head)
                return Facts(at=await self._time(event.block_number), start=start)
            case InFlightExitChallenged():
                # Only the call says with which transaction; whoever forwarded it, the bytes are in there.
                return Facts(calldata=await self._chain.transaction_input(event.tx_hash))
            case InFlightExitBlocked() if event.side is None:
                tx = self._exits.tx(event.plasma_tx_hash)
                if tx is not None:
                    [entry_in_flight] = await self._game.in_flight_exits([tx], head)
                    return Facts(in_flight=entry_in_flight)
        return NO_FACTS

    async def _time(self, number: int) -> Timestamp:
        block = await self._chain.block(number)
        if block is None:
            raise ChainUnavailable(f"block {number} of the root chain is missing")
        return block.timestamp
