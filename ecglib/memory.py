"""How freed memory is kept for the next training step."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# parameters of mallopt(3), from glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 2**31 - 1


@cache
def keep_freed_memory() -> None:
    """Let the process keep what it frees, where its C library is glibc; elsewhere nothing changes.

    glibc gives large blocks back to the operating system as soon as they are free, and each step of a
    training takes the same ones again, page by page: a fifth of the time of the 2D CNN.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _LARGE)
        mallopt(_MMAP_THRESHOLD, _LARGE)
