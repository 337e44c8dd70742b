"""What a download counts: every image by its outcome, and what explains the outcomes. In bounded memory.

The counters, as :meth:`laion_pairs.ledger.Ledger.counts` gives them:

``images``
    how each image ended, by :class:`~laion_pairs.ledger.Outcome`: these add up to the images asked for.
``http_status``
    the last answer's status of those that a host refused or failed on: ``"403"``, ``"404"``, ``"500"``, …
``trust``
    of the delivered images, by integrity's word: ``verified``, ``same_as_locked``, …
``digests``
    ``malformed``: rows whose digest is none, which were judged as rows without.
``opt_out_signals``
    of the images that ended ``opted_out``, by the signal that said so.
``failing_hosts``
    failures by host, of the hosts with the most (:mod:`laion_pairs.ledger.heavy_hosts` says how exact). Only what
    a host can be blamed for; never an image that is taken down, withdrawn or opted out.
``retries``
    ``further_tries`` after first ones, and how many images they ``helped`` to.
``bytes``
    ``received``: bodies, as they were sent by the hosts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Lock

from laion_pairs.ledger.heavy_hosts import HOSTS_FAILURES, OTHER, HeavyHosts
from laion_pairs.ledger.ledger import Counts, Ledger
from laion_pairs.ledger.outcome import Outcome

__all__ = ["ImageCounts"]

_MAX_WORDS = 200
"""Different reasons of one counter. Outcomes, statuses, trust words and signals are closed lists and have no more."""


class ImageCounts:
    """Counts of one engine, written into ``ledger`` as one record a flush: after a kill they agree with each other.

    Thread-safe. Belongs to the process that made it: a forked child's :meth:`flush` writes nothing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._pid = os.getpid()
        self._counting = Lock()
        self._writing = Lock()
        self._hosts = HeavyHosts()
        self._counts: Counts = {}
        self._written: Counts = {}

    def add(
        self,
        outcome: Outcome,
        *,
        host: str | None,
        status: int | None = None,
        trust: str | None = None,
        signal: str | None = None,
        tries: int = 1,
        n_bytes: int = 0,
    ) -> None:
        """Count one image that has ended.

        Args:
            host: that the outcome is owed to; counted only where the outcome is one that a host can be blamed for.
            status: of the last HTTP answer, None where there was none.
            trust: integrity's word.
            signal: which opt-out, in our own words; never text that a host sent.
            tries: how often it was tried, the first one included.
            n_bytes: of the bodies that came.
        """
        with self._counting:
            self._count("images", outcome.value)
            if outcome is Outcome.OK:
                if trust is not None:
                    self._count("trust", trust)
                if tries > 1:
                    self._count("retries", "helped")
            elif outcome in HOSTS_FAILURES:
                if host is not None:
                    self._hosts.add(host)
                if status is not None and 400 <= status <= 599:
                    self._count("http_status", str(status))
            elif outcome is Outcome.OPTED_OUT and signal is not None:
                self._count("opt_out_signals", signal)
            if tries > 1:
                self._count("retries", "further_tries", tries - 1)
            if n_bytes:
                self._count("bytes", "received", n_bytes)

    def total(self, counter: str, reason: str, n: int) -> None:
        """Say that ``n`` of something have been counted elsewhere in this process, so far."""
        with self._counting:
            if n:
                self._counts[counter] = {**self._counts.get(counter, {}), reason: n}

    def flush(self) -> None:
        """Write what has changed since the last flush, as one record. After a :class:`LedgerError` nothing is lost:
        the next flush writes it too."""
        with self._writing:
            with self._counting:
                now = {counter: dict(reasons) for counter, reasons in self._counts.items()}
                now["failing_hosts"] = dict(self._hosts.counts)
            if self._pid == os.getpid():
                before = self._written
                self._ledger.add_all({name: _change(reasons, before.get(name, {})) for name, reasons in now.items()})
                self._written = now

    def _count(self, counter: str, reason: str, n: int = 1) -> None:
        reasons = self._counts.setdefault(counter, {})
        if reason not in reasons and len(reasons) >= _MAX_WORDS:
            reason = OTHER
        reasons[reason] = reasons.get(reason, 0) + n


def _change(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """What to add to ``before`` to have ``now``; negative for a host that another one has displaced."""
    return {reason: now.get(reason, 0) - before.get(reason, 0) for reason in {**before, **now}}
