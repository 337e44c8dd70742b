"""The limits under which images are fetched and decoded: one frozen object, validated once. Opens no connection."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from laion_pairs import __version__
from laion_pairs.errors import PolicyError

__all__ = ["AGENT_TOKEN", "PROJECT_PAGE", "DownloadPolicy"]

AGENT_TOKEN = "laion-dataset"  # noqa: S105 (a name in robots.txt and X-Robots-Tag, not a secret)
"""The name by which hosts may address this project in ``robots.txt`` and ``X-Robots-Tag``."""

PROJECT_PAGE = "https://huggingface.co/laion"
"""Where an operator who finds us in a log can read what this is."""

_CONTACT = re.compile(r"[\x21-\x27\x2a-\x3a\x3c-\x5b\x5d-\x7e]*")  # printable ASCII without space ( ) ; and backslash


@dataclass(frozen=True, kw_only=True)
class DownloadPolicy:
    """Limits of one fetch. Every default is safe and polite; a wrong value is a :class:`PolicyError`.

    Args:
        connect_timeout_s (float): for the name, the connection and the TLS handshake of one hop.
        first_byte_timeout_s (float): from the start of one hop to the first line of its answer.
        total_timeout_s (float): wall clock over all hops, from the first name look-up to the last byte.
        min_bytes_per_s (int): an answer that brings less over one window is ``TOO_SLOW``; 0 switches this off.
        min_rate_window_s (float): the length of that window; windows follow one another from the first line on.
        max_body_bytes (int): of the body, after a ``Content-Encoding`` is undone; stopped early on ``Content-Length``.
        max_header_bytes (int): of all header lines of one hop together.
        max_redirects (int): hops after the first one; 0 follows none.
        max_pixels (int): width x height as the image's own header says, judged before anything is decoded.
        allowed_ports (tuple[int, ...]): of public hosts.
        allow_private (bool): also dial loopback, RFC 1918 and unique local IPv6 addresses, on any port. This adds to
            the rules for public hosts and changes none of them: their ports stay ``allowed_ports``; link-local
            (cloud metadata), multicast and reserved addresses stay refused; and a fetch that has been at a public
            address is not redirected to a private one.
        requests_per_host (int): in flight to one host at a time, from one process or one DataLoader with its workers.
        host_interval_s (float): the least time between two requests to one host; 0 is none.
        max_retries (int): further tries, later, where the outcome is one that a retry can change (in bulk only).
        retry_delay_s (float): before the first of them; it doubles with each.
        max_retry_after_s (float): a host that asks for a longer pause is not waited for: its rows are ``RATE_LIMITED``.
        breaker_failures (int): failures in a row after which a host is left alone for a while (in bulk only).
        breaker_pause_s (float): for how long; then one request probes it.
        stop_after_failures (int): failures in a row, over all hosts, that stop a run; 0 is never.
        max_bytes_in_flight (int): bodies and decoded images that a process holds at a time, about
            (:mod:`laion_pairs.images.bulk.budget` says how exact).
        ask_robots_txt (bool): ask every host's ``robots.txt`` for our name first, and obey it.
        ask_tdmrep (bool): ask for ``/.well-known/tdmrep.json`` first, and obey it.
        read_xmp (bool): obey a reservation inside the image file (XMP ``plus:DataMining``).
        contact (str): an e-mail address or URL of who runs this, added to the user agent.

    >>> DownloadPolicy(max_body_bytes=5 * 2**20, contact="me@example.org").user_agent
    'laion-dataset/0.1.0 (+https://huggingface.co/laion; me@example.org)'
    """

    connect_timeout_s: float = 5.0
    first_byte_timeout_s: float = 10.0
    total_timeout_s: float = 20.0
    min_bytes_per_s: int = 1024
    min_rate_window_s: float = 5.0
    max_body_bytes: int = 20 * 2**20
    max_header_bytes: int = 64 * 2**10
    max_redirects: int = 5
    max_pixels: int = 89_478_484
    allowed_ports: tuple[int, ...] = (80, 443)
    allow_private: bool = False
    requests_per_host: int = 16
    host_interval_s: float = 0.02
    max_retries: int = 1
    retry_delay_s: float = 10.0
    max_retry_after_s: float = 60.0
    breaker_failures: int = 10
    breaker_pause_s: float = 60.0
    stop_after_failures: int = 300
    max_bytes_in_flight: int = 128 * 2**20
    ask_robots_txt: bool = False
    ask_tdmrep: bool = False
    read_xmp: bool = False
    contact: str = ""

    def __post_init__(self) -> None:
        for name, least_s in _SECONDS.items():
            _check_seconds(name, getattr(self, name), least_s=least_s)
        for name, least in _COUNTS.items():
            _check_count(name, getattr(self, name), least=least)
        object.__setattr__(self, "allowed_ports", _checked_ports(self.allowed_ports))
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise PolicyError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if not isinstance(self.contact, str) or not _CONTACT.fullmatch(self.contact):
            raise PolicyError(
                "contact must be an e-mail address or a URL in printable ASCII without spaces, brackets or "
                f"semicolons, got {self.contact!r}"
            )

    @property
    def user_agent(self) -> str:
        """The ``User-Agent`` header: our name and version, the project's page, and the contact."""
        page = f"+{PROJECT_PAGE}; {self.contact}" if self.contact else f"+{PROJECT_PAGE}"
        return f"{AGENT_TOKEN}/{__version__} ({page})"


_SECONDS = {
    "connect_timeout_s": 0.001,
    "first_byte_timeout_s": 0.001,
    "total_timeout_s": 0.001,
    "min_rate_window_s": 0.001,
    "host_interval_s": 0.0,
    "retry_delay_s": 0.0,
    "max_retry_after_s": 0.0,
    "breaker_pause_s": 0.0,
}
_SWITCHES = ("allow_private", "ask_robots_txt", "ask_tdmrep", "read_xmp")
_COUNTS = {
    "min_bytes_per_s": 0,
    "max_body_bytes": 1,
    "max_header_bytes": 1,
    "max_redirects": 0,
    "max_pixels": 1,
    "requests_per_host": 1,
    "max_retries": 0,
    "breaker_failures": 1,
    "stop_after_failures": 0,
    "max_bytes_in_flight": 1,
}


def _check_seconds(name: str, value: object, *, least_s: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least_s <= value <= 86_400:  # type: ignore[arg-type,operator]
        raise PolicyError(f"{name} must be between {least_s:g} and 86400 seconds, got {value!r}")


def _check_count(name: str, value: object, *, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise PolicyError(f"{name} must be a whole number of at least {least}, got {value!r}")


def _checked_ports(ports: object) -> tuple[int, ...]:
    as_tuple = tuple(ports) if isinstance(ports, Iterable) and not isinstance(ports, (str, bytes)) else ()
    good = all(isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65_535 for port in as_tuple)
    if not as_tuple or not good:
        raise PolicyError(f"allowed_ports must be port numbers from 1 to 65535, such as (80, 443), got {ports!r}")
    return as_tuple
