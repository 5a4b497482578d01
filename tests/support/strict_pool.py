"""Rules of geth's pool that the local node does not have, for the proxy in front of it."""

from typing import Any

from aiohttp import web
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from plasma_guard.devnet.evm import Evm

SLOTS = 16
PRICES = ("maxFeePerGas", "maxPriorityFeePerGas")


class StrictPool:
    """Sixteen transactions an account; a replacement must raise both prices by an eighth.

    `refused` lists the words of every refusal.
    """

    def __init__(self, evm: Evm) -> None:
        self._evm = evm
        self.refused: list[str] = []

    async def __call__(self, _: web.Request, payload: Any) -> web.StreamResponse | None:
        if not isinstance(payload, dict) or payload["method"] != "eth_sendRawTransaction":
            return None
        raw = HexBytes(payload["params"][0])
        words = await self._refusal(raw)
        if words is None:
            return None
        self.refused.append(words)
        error = {"code": -32000, "message": words}
        return web.json_response({"jsonrpc": "2.0", "id": payload["id"], "error": error})

    async def _refusal(self, raw: HexBytes) -> str | None:
        sender, fields = Account.recover_transaction(raw), TypedTransaction.from_bytes(raw).as_dict()
        content = await self._evm.rpc("txpool_content")
        held = {
            int(nonce): found
            for part in ("pending", "queued")
            for account, by_nonce in content[part].items()
            if account.lower() == sender.lower()
            for nonce, found in by_nonce.items()
        }
        old = held.get(fields["nonce"])
        if old is None:
            return "account limit exceeded" if len(held) >= SLOTS else None
        # To the very same bytes the node itself answers that it knows them.
        if old["hash"] != "0x" + keccak(raw).hex() and any(
            fields[name] * 8 < int(old[name], 16) * 9 for name in PRICES
        ):
            return "replacement transaction underpriced"
        return None
