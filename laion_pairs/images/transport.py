"""The loop that drives transfers: one thread, one libcurl multi handle, one or hundreds in flight.

libcurl says which sockets it watches and when it wants to be woken; the platform's selector (epoll, kqueue) waits, so
that neither the number of sockets nor their file numbers are limited as with ``select``. Connections are kept
alive between the transfers of one loop, so a loop serves one policy only. A loop belongs to the thread and process
that made it; nothing is shared between loops, hence nothing across a fork.
"""

from __future__ import annotations

import heapq
import math
import selectors
import threading
import time
from itertools import count
from types import TracebackType

import pycurl

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.transfer import Transfer

__all__ = ["Transfers"]

_CLOSE_WAIT_S = 0.1
_WATCHED = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}


class Transfers:
    """Transfers in flight.

    >>> with Transfers() as transfers:
    ...     transfers.start(Transfer(url, policy, end_s=time.monotonic() + 20))
    ...     while len(transfers):
    ...         for done in transfers.wait(1.0):
    ...             ...
    """

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._selector = selectors.DefaultSelector()
        self._alarm_s = math.inf  # when libcurl wants to be woken, by time.monotonic()
        self._running: dict[pycurl.Curl, Transfer] = {}
        self._idle: list[pycurl.Curl] = []
        self._checks: list[tuple[float, int, pycurl.Curl, Transfer]] = []  # a heap by time
        self._order = count()
        self._policy: DownloadPolicy | None = None

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._running)

    def start(self, transfer: Transfer) -> None:
        """Put a new transfer in flight; it moves during :meth:`wait`. Another policy is a ``ValueError``."""
        self._policy = self._policy or transfer.policy
        if transfer.policy != self._policy:
            raise ValueError("a loop keeps connections that one policy allowed: start another loop for another policy.")
        curl = self._idle.pop() if self._idle else pycurl.Curl()
        now_s = time.monotonic()
        check_s = transfer.begin(curl, now_s)
        self._running[curl] = transfer
        self._schedule(check_s, curl, transfer)
        self._multi.add_handle(curl)

    def wait(self, timeout_s: float) -> list[Transfer]:
        """Work until a transfer is finished or ``timeout_s`` seconds are over; all that are finished by then."""
        end_s = time.monotonic() + timeout_s
        while True:
            finished = self._take_finished() + self._stop_late()
            now_s = time.monotonic()
            if finished or not self._running or now_s >= end_s:
                return finished
            self._work(max(0.0, min(end_s, self._alarm_s, self._checks[0][0]) - now_s))

    def close(self) -> None:
        """Drop everything that is in flight and every connection that is kept alive.

        libcurl's clean-up waits for its own look-up threads, which a silent name server can hold for half a minute,
        so it is given a thread of its own and waited for only shortly.
        """
        for curl in list(self._running):
            self._release(curl)
        self._checks.clear()
        closing = threading.Thread(target=self._clean_up, name="laion-close-transfers", daemon=True)
        closing.start()
        closing.join(_CLOSE_WAIT_S)

    def _clean_up(self) -> None:
        while self._idle:
            self._idle.pop().close()
        self._multi.close()
        self._selector.close()

    def __enter__(self) -> Transfers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _work(self, pause_s: float) -> None:
        """Sleep until a socket is ready or the pause is over, and let libcurl do what is due."""
        if self._selector.get_map():
            ready = self._selector.select(pause_s)
        else:  # select() on Windows refuses to wait for nothing
            ready = []
            time.sleep(pause_s)
        for key, events in ready:
            reads = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
            writes = pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0
            self._multi.socket_action(key.fd, reads | writes)
        if time.monotonic() >= self._alarm_s:
            self._alarm_s = math.inf
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _take_finished(self) -> list[Transfer]:
        finished = []
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl, code in [(curl, 0) for curl in good] + [(curl, code) for curl, code, _ in bad]:
                address = curl.getinfo(pycurl.PRIMARY_IP) or ""
                transfer = self._release(curl)
                transfer.finish(code, address)
                finished.append(transfer)
        return finished

    def _stop_late(self) -> list[Transfer]:
        """Let every transfer whose check is due judge the clock."""
        stopped = []
        now_s = time.monotonic()
        while self._checks and self._checks[0][0] <= now_s:
            _, _, curl, transfer = heapq.heappop(self._checks)
            if self._running.get(curl) is not transfer:
                continue
            next_s = transfer.check(now_s)
            if next_s is None:
                stopped.append(self._release(curl))
            else:
                self._schedule(next_s, curl, transfer)
        return stopped

    def _schedule(self, check_s: float, curl: pycurl.Curl, transfer: Transfer) -> None:
        heapq.heappush(self._checks, (check_s, next(self._order), curl, transfer))

    def _release(self, curl: pycurl.Curl) -> Transfer:
        self._multi.remove_handle(curl)
        curl.reset()
        self._idle.append(curl)
        return self._running.pop(curl)

    # Called by libcurl

    def _on_socket(self, event: int, fd: int, _multi: pycurl.CurlMulti, _data: object) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if event in _WATCHED:
            self._selector.register(fd, _WATCHED[event])

    def _on_timer(self, timeout_ms: int) -> None:
        self._alarm_s = math.inf if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
