"""The Merkle tree of a plasma block: always 16 levels, unused leaves filled with one known hash."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Hash32
from plasma_guard.plasma.keccak import digest

DEPTH = 16
MAX_LEAVES = 2**DEPTH
PROOF_BYTES = 32 * DEPTH
_EMPTY_CONTENT = bytes(32)


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """How one generation hashes its tree; the salts go in front of what is hashed.

    ald uses 0x00 for leaves and 0x01 for nodes, rootchain v0.2 none. Unused leaves hold 32 zero bytes.
    """

    leaf_salt: bytes
    node_salt: bytes
    _empty: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        empty = [digest(self.leaf_salt + _EMPTY_CONTENT)]
        for _ in range(DEPTH):
            empty.append(digest(self.node_salt + empty[-1] + empty[-1]))
        object.__setattr__(self, "_empty", tuple(empty))

    def leaf(self, content: bytes) -> Hash32:
        """Return the hash of a leaf that holds `content`."""
        return Hash32(digest(self.leaf_salt + content))

    def root(self, contents: Sequence[bytes]) -> Hash32:
        """Return the root over at most 65,536 contents; raises `MalformedError` for more."""
        level = self._leaves(contents)
        for height in range(DEPTH):
            level = self._next_level(level, height)
        return Hash32(level[0] if level else self._empty[DEPTH])

    def proof(self, contents: Sequence[bytes], index: int) -> bytes:
        """Return 512 bytes, the siblings of leaf `index` from the lowest level upwards."""
        if not 0 <= index < len(contents):
            raise MalformedError(f"Merkle proof: index must be 0..{len(contents) - 1}, got {index}")
        level = self._leaves(contents)
        siblings = []
        for height in range(DEPTH):
            sibling = index ^ 1
            siblings.append(level[sibling] if sibling < len(level) else self._empty[height])
            level = self._next_level(level, height)
            index >>= 1
        return b"".join(siblings)

    def proofs(self, contents: Sequence[bytes], indexes: Collection[int]) -> dict[int, bytes]:
        """Return what `proof` does for several leaves, hashing the tree once."""
        if wrong := [index for index in indexes if not 0 <= index < len(contents)]:
            raise MalformedError(f"Merkle proof: index must be 0..{len(contents) - 1}, got {wrong[0]}")
        siblings: dict[int, list[bytes]] = {index: [] for index in indexes}
        level = self._leaves(contents)
        for height in range(DEPTH):
            for index, found in siblings.items():
                sibling = index >> height ^ 1
                found.append(level[sibling] if sibling < len(level) else self._empty[height])
            level = self._next_level(level, height)
        return {index: b"".join(found) for index, found in siblings.items()}

    def verify(self, content: bytes, index: int, proof: bytes, root: bytes) -> bool:
        """Tell whether `proof` leads from `content` at leaf `index` to `root`; only 512 bytes ever do."""
        if len(proof) != PROOF_BYTES or not 0 <= index < MAX_LEAVES:
            return False
        node = digest(self.leaf_salt + content)
        for at in range(0, PROOF_BYTES, 32):
            sibling = proof[at : at + 32]
            node = digest(self.node_salt + (sibling + node if index & 1 else node + sibling))
            index >>= 1
        return node == root

    def _leaves(self, contents: Sequence[bytes]) -> list[bytes]:
        if len(contents) > MAX_LEAVES:
            raise MalformedError(f"Merkle tree: at most {MAX_LEAVES} leaves, got {len(contents)}")
        return [digest(self.leaf_salt + content) for content in contents]

    def _next_level(self, level: list[bytes], height: int) -> list[bytes]:
        if len(level) % 2:
            level = [*level, self._empty[height]]
        salt = self.node_salt
        return [digest(salt + level[at] + level[at + 1]) for at in range(0, len(level), 2)]
