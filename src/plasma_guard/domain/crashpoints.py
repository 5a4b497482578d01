"""Named places where a test ends the process as a power cut would; without the variable they do nothing.

``PLASMA_GUARD_CRASH_AT=name`` ends the process, without any clean-up and with status 137, the first time it
passes that place; ``name:3`` the third time.
"""

import os
from collections import Counter

VARIABLE = "PLASMA_GUARD_CRASH_AT"
EXIT_STATUS = 137
"""What a shell reports for a process that was killed by signal 9."""

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Mark a place between two steps whose order on disk matters."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    where, _, turn = wanted.partition(":")
    if where != name:
        return
    _passed[name] += 1
    if _passed[name] == int(turn or 1):
        os._exit(EXIT_STATUS)
