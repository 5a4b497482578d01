"""One error type covers everything the devnet cannot do."""


class DevnetError(Exception):
    """The devnet cannot go on; the message says what failed and what to do about it."""
