"""The loop that drives transfers: one thread, one libcurl multi handle, one or hundreds in flight.

libcurl says which sockets it watches and when it wants to be woken; the platform's selector (epoll, kqueue) waits, so
that neither the number of sockets nor their file numbers are limited as with ``select``. Connections are kept
alive between the transfers of one loop, so a loop serves one policy only. A loop belongs to the thread and process
that made it; nothing is shared between loops, hence nothing across a fork.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import selectors
import socket
import threading
import time
from itertools import count
from operator import itemgetter
from types import TracebackType

import pycurl

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.request import new_handle
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

    Args:
        max_connections: open at a time, those that are kept alive included; only so many in flight open more.
    """

    def __init__(self, max_connections: int = 16) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)  # libcurl keeps four for each in flight by default
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._watched: set[int] = set()  # faster than to ask the selector
        self._opened: list[socket.SocketType] = []
        self._alarm_s = math.inf  # when libcurl wants to be woken, by time.monotonic()
        self._running: dict[pycurl.Curl, Transfer] = {}
        self._broken: list[Transfer] = []  # ended as they were resumed
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
        if transfer.policy is not self._policy and transfer.policy != self._policy:
            raise ValueError("a loop keeps connections that one policy allowed: start another loop for another policy.")
        curl = self._idle.pop() if self._idle else new_handle(self._policy)
        now_s = time.monotonic()
        check_s = transfer.begin(curl, now_s, self._opened)
        self._running[curl] = transfer
        self._schedule(check_s, curl, transfer)
        self._multi.add_handle(curl)

    def wait(self, timeout_s: float) -> list[Transfer]:
        """Work until a transfer is finished, ``timeout_s`` seconds are over or :meth:`ring` was called.

        What is ready is worked on also when ``timeout_s`` is 0. Returns all that are finished by then.
        """
        end_s = time.monotonic() + timeout_s
        rung = worked = False
        while True:
            finished = self._take_finished() + self._stop_late()
            now_s = time.monotonic()
            if finished or rung or (worked and now_s >= end_s):
                return finished
            check_s = self._checks[0][0] if self._checks else math.inf
            rung = self._work(max(0.0, min(end_s, self._alarm_s, check_s) - now_s))
            worked = True

    def ring(self) -> None:
        """End a :meth:`wait` early, from any thread."""
        with contextlib.suppress(OSError):  # full: it rings already; closed: nobody waits
            self._ringer.send(b"!")

    def resume_paused(self, now_s: float) -> int:
        """Let the transfer that has been paused longest go on; how many are paused still."""
        running = self._running.items()
        paused = [(transfer.paused_s, curl) for curl, transfer in running if transfer.paused_s is not None]
        if not paused:
            return 0
        _, curl = min(paused, key=itemgetter(0))
        self._running[curl].resume(now_s)
        try:
            curl.pause(pycurl.PAUSE_CONT)
        except pycurl.error as error:  # the rest, which libcurl had read already, goes over a limit
            self._broken.append(self._finish(curl, error.args[0]))
        return len(paused) - 1

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
        self._bell.close()
        self._ringer.close()

    def __enter__(self) -> Transfers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _work(self, pause_s: float) -> bool:
        """Sleep until a socket is ready or the pause is over, and let libcurl do what is due. Whether the bell rang."""
        rung = False
        for key, events in self._selector.select(pause_s):
            if key.fileobj is self._bell:
                self._bell.recv(4096)
                rung = True
                continue
            reads = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
            writes = pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0
            self._multi.socket_action(key.fd, reads | writes)
        if time.monotonic() >= self._alarm_s:
            self._alarm_s = math.inf
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        for opened in self._opened:
            opened.close()
        self._opened.clear()
        return rung

    def _take_finished(self) -> list[Transfer]:
        finished, self._broken = self._broken, []
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl, code in [(curl, 0) for curl in good] + [(curl, code) for curl, code, _ in bad]:
                finished.append(self._finish(curl, code))
        return finished

    def _finish(self, curl: pycurl.Curl, code: int) -> Transfer:
        address = curl.getinfo(pycurl.PRIMARY_IP) or ""
        transfer = self._release(curl)
        transfer.finish(code, address)
        return transfer

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
        self._idle.append(curl)
        return self._running.pop(curl)

    # Called by libcurl

    def _on_socket(self, event: int, fd: int, _multi: pycurl.CurlMulti, _data: object) -> None:
        events = _WATCHED.get(event)
        if events is None:
            if fd in self._watched:
                self._watched.remove(fd)
                self._selector.unregister(fd)
        elif fd in self._watched:
            self._selector.modify(fd, events)
        else:
            self._watched.add(fd)
            self._selector.register(fd, events)

    def _on_timer(self, timeout_ms: int) -> None:
        self._alarm_s = math.inf if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
