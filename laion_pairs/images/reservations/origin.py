"""Whose files speak for a URL: its origin (RFC 6454), and where those files lie."""

from __future__ import annotations

from typing import NamedTuple

from laion_pairs.images.url_check import CheckedUrl, check_url

__all__ = ["Origin"]


class Origin(NamedTuple):
    """Scheme, host and port, and whether it was asked over public addresses only.

    The last is part of the key, so that what one name says inside a private network never speaks for the web.
    """

    scheme: str
    host: str
    port: int
    public_only: bool

    @classmethod
    def of(cls, url: CheckedUrl, *, public_only: bool) -> Origin:
        """The origin of ``url``."""
        return cls(url.scheme, url.host, url.port, public_only)

    def url(self, path: str) -> CheckedUrl:
        """The URL of ``path`` on this origin."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return check_url(f"{self.scheme}://{host}:{self.port}{path}")
