"""One error type covers everything the devnet cannot do."""

from plasma_guard.domain.errors import GuardError


class DevnetError(GuardError):
    """The devnet cannot go on; the message says what failed and what to do about it."""
