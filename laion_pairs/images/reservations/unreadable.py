"""A reservation file that came and cannot be read: nobody knows what it reserves, so everything is."""

from __future__ import annotations

__all__ = ["Unreadable"]


class Unreadable(ValueError):
    """The body is not the file that was asked for. Internal; it carries no text of the host's."""
