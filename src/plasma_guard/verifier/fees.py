"""Fee claims: transactions of type 3, which only the ald generations' operator adds at the end of a block."""

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.plasma import rlp
from plasma_guard.plasma.transaction import Output, PlasmaTransaction, SignedTransaction

FEE_CLAIM = 3
"""Transaction type of a fee claim."""
FEE_OUTPUT = 2
"""Output type of what a fee claim creates; it has no standard exit, but payments may spend it."""

_SIGNED_ITEMS = 4
_NONCE = 32


def decode_fee_claim(signed: bytes) -> SignedTransaction | None:
    """Read [signatures, 3, [[2, [owner, token, amount]]], nonce]; None when it is no fee claim at all.

    Raises `MalformedError` for a fee claim with signatures, without exactly one output of type 2, with
    nothing claimed, or with a nonce that is not 32 bytes.
    """
    name = "fee claim"
    items = rlp.children(signed, rlp.whole(signed, name), name)
    if len(items) != _SIGNED_ITEMS or items[1].is_list or rlp.integer(signed, items[1], name) != FEE_CLAIM:
        return None
    if rlp.children(signed, items[0], name):
        raise MalformedError("fee claim: expected no signatures")
    outputs = rlp.children(signed, items[2], name)
    if len(outputs) != 1:
        raise MalformedError(f"fee claim: expected one output, got {len(outputs)}")
    output = _decode_output(signed, outputs[0])
    rlp.fixed(signed, items[3], _NONCE, "fee claim nonce")
    raw = rlp.encode_list([signed[items[0].end :]])
    tx = PlasmaTransaction(raw=raw, inputs=(), outputs=(output,), metadata=None, tx_type=FEE_CLAIM)
    return SignedTransaction(tx, (), signed)


def encode_fee_claim(owner: Address, token: Address, amount: Wei, nonce: bytes) -> bytes:
    """Return the signed form of a claim of `amount` of the block's fees in `token`; `nonce` is 32 bytes."""
    data = rlp.encode_list((rlp.encode_string(owner), rlp.encode_string(token), rlp.encode_integer(amount)))
    output = rlp.encode_list((rlp.encode_integer(FEE_OUTPUT), data))
    return rlp.encode_list(
        (
            rlp.encode_list(()),
            rlp.encode_integer(FEE_CLAIM),
            rlp.encode_list((output,)),
            rlp.encode_string(nonce),
        )
    )


def _decode_output(signed: bytes, item: rlp.Item) -> Output:
    name = "fee claim output"
    parts = rlp.children(signed, item, name)
    if len(parts) != 2 or rlp.integer(signed, parts[0], name) != FEE_OUTPUT:  # noqa: PLR2004 : type and data
        raise MalformedError(f"{name}: expected type {FEE_OUTPUT} and its data")
    fields = rlp.children(signed, parts[1], name)
    if len(fields) != 3:  # noqa: PLR2004 : owner, token, amount
        raise MalformedError(f"{name}: expected owner, token and amount, got {len(fields)} items")
    owner = Address(rlp.fixed(signed, fields[0], 20, name))
    token = Address(rlp.fixed(signed, fields[1], 20, name))
    amount = rlp.integer(signed, fields[2], name)
    if amount == 0:
        raise MalformedError(f"{name}: the amount must not be 0")
    return Output(owner, token, Wei(amount), FEE_OUTPUT)
