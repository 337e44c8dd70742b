"""Manners towards hosts: how many requests at a time, how fast, and when to leave a host alone. Pure; given the clock.

A host is a name or an address, whatever its port. Everything that is to be requested waits at its host for its turn:

- at most ``requests_per_host`` are in flight, and ``host_interval_s`` passes between two starts;
- a host that asks for a pause (429, 503 with ``Retry-After``) gets it; one that names none gets 1 s, then 2 s, 4 s, …
  A pause longer than ``max_retry_after_s`` is not waited for: the circuit opens for as long;
- ``breaker_failures`` failures, or pauses, in a row open its circuit for ``breaker_pause_s``: what waits there, and
  what comes, ends with the host's last failure, without a request. Then one request probes the host, and closes the
  circuit or not.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["Host", "Hosts"]

T = TypeVar("T")

_MAX_IDLE_HOSTS = 20_000
_FIRST_PAUSE_S = 1.0
_FAILURES = frozenset(
    {
        Outcome.DNS_FAILED,
        Outcome.CONNECT_FAILED,
        Outcome.TLS_FAILED,
        Outcome.TIMED_OUT,
        Outcome.TOO_SLOW,
        Outcome.HTTP_SERVER_ERROR,
    }
)
"""What says something about the host rather than about one of its images."""


@dataclass(slots=True, eq=False)
class Host(Generic[T]):
    """What is known about one host."""

    name: str
    waiting: deque[T] = field(default_factory=deque)
    in_flight: int = 0
    next_s: float = 0.0  # no start before
    listed: bool = False  # in the queue or in the heap
    failures: int = 0  # in a row
    pauses: int = 0  # asked for in a row; those of requests that were in flight together are one
    pause_until_s: float = 0.0
    open_until_s: float = 0.0
    last: Refused | None = None


class Hosts(Generic[T]):
    """Everything that waits for its turn, by host.

    Args:
        policy: the manners.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self._policy = policy
        self._hosts: dict[str, Host[T]] = {}
        self._ready: deque[Host[T]] = deque()
        self._later: list[tuple[float, int, Host[T]]] = []  # a heap by time
        self._order = count()
        self._sweep_at = _MAX_IDLE_HOSTS

    def put(self, name: str, item: T, now_s: float) -> bool | Refused:
        """Let ``item`` wait at a host. True when its turn is now, or the refusal when the host's circuit is open."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name)
            if len(self._hosts) > self._sweep_at:
                self._sweep(now_s)
        if host.last is not None and now_s < host.open_until_s:
            return host.last
        first = not host.waiting
        host.waiting.append(item)
        return self._list(host, now_s) and first

    def next(self, now_s: float) -> tuple[T, Host[T]] | None:
        """Whose turn it is, and the host, which counts it as in flight from now on; None for nobody's."""
        while self._later and self._later[0][0] <= now_s:
            self._ready.append(heapq.heappop(self._later)[2])
        while self._ready:
            host = self._ready.popleft()
            host.listed = False
            if not host.waiting or host.in_flight >= self._room(host):
                continue
            if host.next_s > now_s:
                self._list(host, now_s)
                continue
            item = host.waiting.popleft()
            host.in_flight += 1
            host.next_s = now_s + self._policy.host_interval_s
            self._list(host, now_s)
            return item, host
        return None

    def due_s(self) -> float:
        """When the next turn comes; in the past when one is now, infinity when only :meth:`done` can bring one."""
        if self._ready:
            return 0.0
        return self._later[0][0] if self._later else math.inf

    def done(self, host: Host[T], refused: Refused | None, now_s: float) -> list[tuple[T, Refused]]:
        """One that was in flight ended, well or with ``refused``. What waits there and ends too, and how."""
        host.in_flight -= 1
        if refused is None or refused.outcome not in (*_FAILURES, Outcome.RATE_LIMITED):
            host.failures = host.pauses = 0
        elif refused.outcome is Outcome.RATE_LIMITED:
            self._pause(host, refused, now_s)
        else:
            host.failures += 1
            host.last = refused
            if host.failures >= self._policy.breaker_failures:
                host.open_until_s = now_s + self._policy.breaker_pause_s
        dropped: list[tuple[T, Refused]] = []
        if host.last is not None and now_s < host.open_until_s:
            dropped.extend((item, host.last) for item in host.waiting)
            host.waiting.clear()
        self._list(host, now_s)
        return dropped

    def _pause(self, host: Host[T], refused: Refused, now_s: float) -> None:
        if now_s >= host.pause_until_s:
            host.pauses += 1
        longest_s = self._policy.max_retry_after_s
        pause_s = refused.retry_after_s
        if pause_s is None:
            pause_s = min(longest_s, _FIRST_PAUSE_S * 2 ** min(max(0, host.pauses - 1), 30))
        if host.pauses >= self._policy.breaker_failures:  # it does nothing but ask for pauses
            pause_s = max(pause_s, self._policy.breaker_pause_s)
            host.last, host.open_until_s = refused, now_s + pause_s
        elif pause_s > longest_s:
            host.last, host.open_until_s = refused, now_s + pause_s
        host.pause_until_s = max(host.pause_until_s, now_s + pause_s)
        host.next_s = max(host.next_s, host.pause_until_s)

    def _room(self, host: Host[T]) -> int:
        """One at a time to a host whose circuit was open, until an answer closes it."""
        opened = max(host.failures, host.pauses) >= self._policy.breaker_failures
        return 1 if opened else self._policy.requests_per_host

    def _list(self, host: Host[T], now_s: float) -> bool:
        """Queue a host that has something to do. Whether it can start something now."""
        if host.listed or not host.waiting or host.in_flight >= self._room(host):
            return False
        host.listed = True
        if host.next_s <= now_s:
            self._ready.append(host)
            return True
        heapq.heappush(self._later, (host.next_s, next(self._order), host))
        return False

    def _sweep(self, now_s: float) -> None:
        """Forget idle hosts: first those that nothing is held against, then, oldest first, all others."""
        idle = [host for host in self._hosts.values() if not host.waiting and not host.in_flight and not host.listed]
        idle.sort(key=lambda host: (host.failures > 0 or host.open_until_s > now_s, host.next_s))
        for host in idle[: max(0, len(self._hosts) - _MAX_IDLE_HOSTS // 2)]:
            del self._hosts[host.name]
        self._sweep_at = max(_MAX_IDLE_HOSTS, 2 * len(self._hosts))
