"""Which hosts fail most, in bounded memory and with a known error: a Misra–Gries summary. Pure.

Misra and Gries, "Finding repeated elements" (1982): ``k`` counters; a host that has none while all are taken lowers
every counter by one instead, and a counter at zero is given up. Of ``n`` failures each count is then too low by at most
``n / (k + 1)``, never too high, and every host with more failures than that is there. Summaries add up: counts of
several processes, summed by host, are too low by at most the ``n / (k + 1)`` of all of them together ("Mergeable
summaries", Agarwal et al. 2012, section 3.1).

Host names come from strangers. What is kept is a host name in lower-case ASCII or an IP address, as it is dialled;
everything else counts as :data:`OTHER`.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from laion_pairs.ledger.outcome import Outcome

__all__ = ["HOSTS_FAILURES", "MAX_HOSTS", "OTHER", "HeavyHosts"]

HOSTS_FAILURES = frozenset(
    {
        Outcome.DNS_FAILED,
        Outcome.CONNECT_FAILED,
        Outcome.TLS_FAILED,
        Outcome.TIMED_OUT,
        Outcome.TOO_SLOW,
        Outcome.TOO_MANY_REDIRECTS,
        Outcome.HTTP_CLIENT_ERROR,
        Outcome.HTTP_SERVER_ERROR,
        Outcome.RATE_LIMITED,
        Outcome.FORBIDDEN_ADDRESS,
        Outcome.NOT_AN_IMAGE,
        Outcome.CORRUPT_IMAGE,
        Outcome.DIGEST_MISMATCH,
    }
)
"""Outcomes that are counted by host. Not the limits that the caller set, and no one's wish not to be used."""

MAX_HOSTS = 1000
"""Counters of a process: after a million failures a count is off by less than a thousand."""

OTHER = "(other)"
"""What is counted in place of a text that is no host name."""

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")  # RFC 1035's lengths; IPv4 is one, too


class HeavyHosts:
    """Counts by host of at most ``max_hosts`` hosts, those with the most.

    >>> hosts = HeavyHosts(max_hosts=1)
    >>> for host in ("a.example", "a.example", "b.example"):
    ...     hosts.add(host)
    >>> hosts.counts
    {'a.example': 1}
    """

    def __init__(self, max_hosts: int = MAX_HOSTS) -> None:
        self.counts: dict[str, int] = {}
        self._max_hosts = max_hosts

    def add(self, host: str) -> None:
        """Count one more of ``host``. Lowering all counters takes time, but pays for itself: each was raised before."""
        counts = self.counts
        if host not in counts and not _is_host(host):
            host = OTHER
        if host in counts:
            counts[host] += 1
        elif len(counts) < self._max_hosts:
            counts[host] = 1
        else:
            self.counts = {kept: n - 1 for kept, n in counts.items() if n > 1}


def _is_host(text: str) -> bool:
    if _NAME.fullmatch(text):
        return True
    try:
        return "%" not in text and IPv6Address(text).compressed == text
    except AddressValueError:
        return False
