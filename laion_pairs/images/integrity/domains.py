"""Domains that changed hands: alive, but nearly every picture is another one than was published or locked.

Counted for the host and for its registered domain (an expired domain has all hosts; an abandoned bucket is one host of
somebody's domain). One is quarantined while at least 90 % of its last checks, at most 64 and at least 20, are
mismatches (web.md, "Integrity"). So it takes no more than 64 rows to notice a domain that is sold in the middle of a
run, and a domain that was suspected wrongly comes back. Rows that cannot be checked say nothing for or against.

There is no public suffix list here (no dependency has one, and it must be kept up to date): the registered domain is
two labels, or three under a two-letter country whose second label is one of the usual registries (``co.uk``). Where
that is wrong (``city.kobe.jp``, ``github.io``), unrelated hosts are counted together, which hides a hijacked one only
from the wider of the two counts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

from laion_pairs.images.integrity.recent import Recent

__all__ = ["LEAST_CHECKS", "MISMATCHING", "Domains", "registered_domain"]

LEAST_CHECKS = 20
MISMATCHING = 0.9
_LAST_CHECKS = 64

_REMEMBERED = 65_536
"""Hosts and domains whose checks are kept, about 12 MB; the ones that were checked longest ago are forgotten."""

_REGISTRIES = re.compile("ac|com?|edu|gen|gob?|gouv?|gub|id|ind|info|ltd|me|mil|ne|net|nom|nhs|org?|plc|sch|gov")
"""Second labels under which countries let people register, the usual ones of publicsuffix.org."""


@lru_cache(maxsize=4096)
def registered_domain(host: str) -> str:
    """The part of a host name that somebody registered; an IP address as it is.

    >>> registered_domain("img.shop.example.co.uk"), registered_domain("a.b.example.com")
    ('example.co.uk', 'example.com')
    """
    labels = host.split(".")
    if host.startswith("[") or labels[-1].isdigit():
        return host
    country = len(labels[-1]) == 2 and len(labels) > 2 and _REGISTRIES.fullmatch(labels[-2])
    return ".".join(labels[-3 if country else -2 :])


class Domains:
    """The last checks of hosts and domains. Safe in threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last_checks: Recent[str, int] = Recent(_REMEMBERED)
        """One bit a check, the newest lowest, 1 for a mismatch; above them a 1 that says how many there are."""

    def quarantined(self, host: str) -> bool:
        """Whether the host, or its registered domain, serves other pictures now."""
        if not len(self._last_checks):
            return False
        with self._lock:
            return any(_mostly_mismatches(self._last_checks.get(name, 1)) for name in _names(host))

    def count(self, host: str, *, mismatch: bool) -> None:
        """Take one check into account."""
        with self._lock:
            for name in _names(host):
                checks = self._last_checks.get(name, 1) << 1 | mismatch
                if checks >> (_LAST_CHECKS + 1):
                    checks = checks & ((1 << _LAST_CHECKS) - 1) | 1 << _LAST_CHECKS
                self._last_checks.put(name, checks)


def _names(host: str) -> tuple[str, ...]:
    domain = registered_domain(host)
    return (host,) if host == domain else (host, domain)


def _mostly_mismatches(checks: int) -> bool:
    seen = checks.bit_length() - 1
    return seen >= LEAST_CHECKS and checks.bit_count() - 1 >= MISMATCHING * seen
