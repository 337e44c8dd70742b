"""Enough file descriptors for the requests in flight: many systems allow 256 or 1,024 until a process asks for more."""

from __future__ import annotations

import contextlib
import sys

__all__ = ["room_for_sockets"]

_OTHERS = 256
"""Files, pipes and sockets that are not ours, roughly."""
_EACH = 3
"""A kept connection, a new one, and for a moment the socket that libcurl duplicates."""


def room_for_sockets(concurrency: int) -> int:
    """Raise the soft limit where it is too low and may be raised; how many requests can be in flight then."""
    if sys.platform == "win32":
        return concurrency
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _EACH * concurrency + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return concurrency if soft == resource.RLIM_INFINITY else max(1, min(concurrency, (soft - _OTHERS) // _EACH))
