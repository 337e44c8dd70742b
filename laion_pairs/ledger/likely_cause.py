"""What is wrong when far more images fail than links are dead: one sentence, or none. Pure.

Of LAION's links about a quarter is dead, and a list of them that fails by 25 to 40 % is as it should be: names that are
gone, 404, hosts that are down, none of these above a fifth by itself. So one kind of failure that makes up half of
everything is no matter of the links: over :data:`ENOUGH` fetches chance brings a fifth to a half twice in a million.
Half, and not nearly all, because a name server or a line that is asked too much still answers some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from laion_pairs.ledger.outcome import Outcome

__all__ = ["ENOUGH", "likely_cause"]

ENOUGH = 50
"""Fetches below which nothing is said."""

_HALF = 0.5
_HARDLY_ANY = 0.02  # of the images are good: what works at all works more often than this
_NOT_FETCHED = (Outcome.TAKEN_DOWN, Outcome.WITHDRAWN, Outcome.OPTED_OUT)  # say nothing about the line or the links


@dataclass(frozen=True)
class _Cause:
    """``outcomes`` together are half of all; ``sentence`` if so."""

    outcomes: tuple[Outcome, ...]
    sentence: str


_CAUSES = (
    _Cause(
        (Outcome.DNS_FAILED,),
        "host names do not resolve: the name server does not answer, or is asked too much; "
        "look at /etc/resolv.conf, run a caching resolver on this machine, or lower the concurrency",
    ),
    _Cause(
        (Outcome.CONNECT_FAILED,),
        "hosts cannot be connected to: there is no route to the web, or a firewall is in the way; images are fetched "
        "directly, by design never through a proxy that the environment names",
    ),
    _Cause(
        (Outcome.TLS_FAILED,),
        "certificates do not verify: this machine's clock is wrong, its CA bundle (certifi) is out of date, "
        "or something on the way replaces the certificates",
    ),
    _Cause(
        (Outcome.TIMED_OUT, Outcome.TOO_SLOW),
        "answers come too late: more is in flight than the line or the name server carries; lower the concurrency",
    ),
    _Cause(
        (Outcome.BAD_URL,),
        "the column does not hold http and https links; look at a few of its values, and name another one",
    ),
    _Cause(
        (Outcome.NOT_AN_IMAGE, Outcome.CORRUPT_IMAGE),
        "answers are not images: the column holds links to pages, "
        "or a portal or proxy on the way answers for the hosts",
    ),
    _Cause(
        (Outcome.FORBIDDEN_ADDRESS,),
        "host names lead to private addresses or unusual ports: a name server that blocks or captures names, "
        "or links to a network of your own (DownloadPolicy(allow_private=True) is for these)",
    ),
    _Cause(
        (Outcome.HTTP_SERVER_ERROR,),
        "hosts answer with server errors: something on the way answers for them, "
        "or one host holds most of these images and is down",
    ),
)
_BLOCKED = (
    "hosts refuse this agent or this address (403, 429): fetch more slowly, with fewer requests to a host, "
    "and give a contact in the policy"
)
_SILENT = "nothing answers: there is no route to the web, or a firewall drops what is sent"


def likely_cause(outcomes: Mapping[str, int], http_status: Mapping[str, int] | None = None) -> str | None:
    """The likely cause of most failures, as a sentence without capital and full stop; None when all is as usual.

    Args:
        outcomes: how many images ended how, by the outcome's value.
        http_status: how many failures had which HTTP status; without it a 403 is not told from a 404.

    >>> likely_cause({"ok": 700, "dns_failed": 100, "http_client_error": 150})
    >>> likely_cause({"ok": 10, "dns_failed": 290})[:29]
    'host names do not resolve: th'
    """
    n = {outcome: outcomes.get(outcome.value, 0) for outcome in Outcome}
    total = sum(n.values()) - sum(n[outcome] for outcome in _NOT_FETCHED)
    if total < ENOUGH:
        return None
    refused = max((http_status or {}).get("403", 0), 0) + n[Outcome.RATE_LIMITED]
    if refused >= _HALF * total:
        return _BLOCKED
    heaviest = max(_CAUSES, key=lambda cause: sum(n[outcome] for outcome in cause.outcomes))
    if sum(n[outcome] for outcome in heaviest.outcomes) < _HALF * total:
        return None
    if Outcome.TIMED_OUT in heaviest.outcomes and n[Outcome.OK] < _HARDLY_ANY * total:
        return _SILENT
    return heaviest.sentence
