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
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from cachetools import LRUCache

from laion_pairs.takedown.keys import host_suffixes

__all__ = ["LEAST_CHECKS", "MISMATCHING", "Domains", "Site", "registered_domain", "site_of"]

LEAST_CHECKS = 20
MISMATCHING = 0.9
_LAST_CHECKS = 64

_AUTHORITY_END = re.compile("[/?#]")

_REMEMBERED = 32_768
"""Hosts and domains whose checks are kept, about 10 MB; the ones that were asked for longest ago are forgotten."""

_REGISTRIES = re.compile("ac|com?|edu|gen|gob?|gouv?|gub|id|ind|info|ltd|me|mil|ne|net|nom|nhs|org?|plc|sch|gov")
"""Second labels under which countries let people register, the usual ones of publicsuffix.org."""


@dataclass(frozen=True, slots=True)
class Site:
    """Whose answer it is: ``host``, and the registered ``domain`` it belongs to."""

    host: str
    domain: str

    @property
    def names(self) -> tuple[str, ...]:
        """Both, once if they are the same."""
        return (self.host,) if self.host == self.domain else (self.host, self.domain)


def site_of(address: str) -> Site:
    """The site of a URL, or of an address as :mod:`laion_pairs.takedown.keys` writes them.

    >>> site_of("//img.shop.example.co.uk:8080/1.jpg")
    Site(host='img.shop.example.co.uk', domain='example.co.uk')
    """
    return _site(_AUTHORITY_END.split(address.partition("//")[2], 1)[0].lower())


@lru_cache(maxsize=4096)
def _site(authority: str) -> Site:
    host = host_suffixes(f"//{authority}")[0]
    return Site(host, registered_domain(host))


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
        self._last_checks: LRUCache[str, int] = LRUCache(_REMEMBERED)
        """One bit a check, the newest lowest, 1 for a mismatch; above them a 1 that says how many there are."""

    def quarantined(self, site: Site) -> bool:
        """Whether the host, or its registered domain, serves other pictures now."""
        with self._lock:
            return any(_mostly_mismatches(self._last_checks.get(name, 1)) for name in site.names)

    def count(self, site: Site, *, mismatch: bool) -> None:
        """Take one check into account."""
        with self._lock:
            for name in site.names:
                checks = self._last_checks.get(name, 1) << 1 | mismatch
                if checks >> (_LAST_CHECKS + 1):
                    checks = checks & ((1 << _LAST_CHECKS) - 1) | 1 << _LAST_CHECKS
                self._last_checks[name] = checks


def _mostly_mismatches(checks: int) -> bool:
    seen = checks.bit_length() - 1
    return seen >= LEAST_CHECKS and checks.bit_count() - 1 >= MISMATCHING * seen
