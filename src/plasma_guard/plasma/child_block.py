"""What makes the contents of a block believable: they make up the root that was submitted."""

from plasma_guard.domain.blocks import ChildBlock, PlasmaBlock
from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.plasma import rlp
from plasma_guard.plasma.rules import PlasmaRules


def unsigned_of(signed: bytes) -> bytes:
    """Return a transaction of any type without its list of signatures; raises `MalformedError`."""
    items = rlp.children(signed, rlp.whole(signed, "signed transaction"), "signed transaction")
    if not items or not items[0].is_list:
        raise MalformedError("signed transaction: expected the list of signatures first")
    return rlp.encode_list([signed[items[0].end :]])


def prove_block(rules: PlasmaRules, served: ChildBlock, block: PlasmaBlock) -> list[bytes]:
    """Return the unsigned transactions of a block that is the submitted one; raises `EvidenceError`."""
    try:
        leaves = [unsigned_of(each) for each in served.transactions]
        root = rules.merkle_root(leaves)
    except MalformedError as error:
        raise EvidenceError(f"block {block.blknum}: {error}") from error
    if root != block.root:
        raise EvidenceError(
            f"block {block.blknum}: the contents served make the root {root}, {block.root} was submitted"
        )
    return leaves
