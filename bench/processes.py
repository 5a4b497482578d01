"""What the kernel says about another process (Linux)."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

_CPU_CLOCK: Final = 2
"""CPUCLOCK_SCHED of a whole process: all its threads, user and system time, to the nanosecond."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used so far; the same clock as its own `time.process_time`."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK)


def resident_megabytes(pid: int) -> float:
    """Return what a process occupies in memory now, in units of 10^6 bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found, f"process {pid} has no memory: it has ended"
    return int(found[1]) * 1024 / 1e6
