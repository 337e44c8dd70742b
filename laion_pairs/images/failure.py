"""The exception for an image that could not be had. Opens no connection."""

from __future__ import annotations

from laion_pairs.errors import FetchFailed
from laion_pairs.ledger import Outcome
from laion_pairs.plain_text import one_line

__all__ = ["fetch_failed"]


def fetch_failed(outcome: Outcome, url: str | None, detail: str) -> FetchFailed:
    """The error for an image that could not be had. Without a URL where `Fetched` has none: no list of such links."""
    place = one_line(url, max_chars=200) if url else "an image"
    advice = "try again later" if outcome.retryable else "leave the pair out"
    reason = (detail or outcome.meaning).rstrip(".")
    return FetchFailed(f"asked for {place}, got {outcome}: {reason}; {advice}", outcome)
