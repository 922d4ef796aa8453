"""Processes in /proc: a pid is known by the tick at which it started."""

import os
from pathlib import Path


def stat(pid):
    """(state, start tick) of a process, or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may contain blanks and parentheses.
    fields = text.rsplit(") ", 1)[1].split()
    return fields[0], int(fields[19])


def alive(pid, start):
    """Is it still the same process? A zombie counts as dead."""
    now = stat(pid)
    return now is not None and now[0] not in "ZX" and now[1] == start


def cpu_seconds(pid):
    """CPU time of all its threads so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def most_resident_bytes(pid):
    """The most it ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
