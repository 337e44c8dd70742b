"""Every exception that this project raises, drawn as the tree it is.

::

    LaionError
    ├── ReleaseError (ValueError)          a release's name, status or kind
    │   ├── UnknownRelease                 no release of that name; the nearest names follow
    │   ├── WithdrawnRelease               LAION took it down; its replacement is named where there is one
    │   └── NotPairs                       the release holds tags, keys or ids, not image-text pairs
    ├── SchemaError (ValueError)           columns
    │   ├── UnknownSchema                  a file whose columns match no release
    │   └── UnknownColumn                  a column name that is not canonical
    ├── FilterError (ValueError)           a filter that cannot be read or applied
    ├── RecipeError (ValueError)           an unknown recipe, or one whose columns or score models a release lacks
    ├── PolicyError (ValueError)           a DownloadPolicy with an impossible limit
    ├── LedgerError (OSError)              a ledger that cannot be written or read
    ├── TakedownError (OSError)            a takedown list that cannot be read or applied: the run stops
    ├── LockError (OSError)                a lock of pictures that cannot be read or written: the run stops
    ├── DigestColumnError (ValueError)     a column of digests that are none of the image files: the run stops
    ├── ShardError (OSError)               shards that cannot be listed or read
    │   ├── NoShards (FileNotFoundError)   nothing matched
    │   ├── RepositoryMissing (FileNotFoundError)
    │   ├── AccessDenied (PermissionError) gated or private: accept the terms, or log in
    │   ├── HubUnreachable (ConnectionError)
    │   └── CorruptShard                   a file that is not the parquet, CSV or TSV it claims to be
    ├── DownloadStopped (ConnectionError)  so many failures in a row that it is not the links: the run stops
    ├── FetchFailed (OSError)              an image that could not be had; carries the Outcome
    ├── ExportError (OSError)              an output folder that cannot be written or read: a full disk, most often
    │   └── ExportMismatch (ValueError)    a folder that holds something else than what is asked for now
    └── MissingExtra (ImportError)         an optional dependency; the message is the pip line

Every message is one string that says what was asked, what was found and what to do.
Each class also inherits the builtin that fits, so ``except ValueError`` and ``except OSError`` keep working.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from laion_pairs.plain_text import one_line

if TYPE_CHECKING:
    from laion_pairs.ledger import Outcome

__all__ = [
    "AccessDenied",
    "CorruptShard",
    "DigestColumnError",
    "DownloadStopped",
    "ExportError",
    "ExportMismatch",
    "FetchFailed",
    "FilterError",
    "HubUnreachable",
    "LaionError",
    "LedgerError",
    "LockError",
    "MissingExtra",
    "NoShards",
    "NotPairs",
    "PolicyError",
    "RecipeError",
    "ReleaseError",
    "RepositoryMissing",
    "SchemaError",
    "ShardError",
    "TakedownError",
    "UnknownColumn",
    "UnknownRelease",
    "UnknownSchema",
    "WithdrawnRelease",
]


_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET = re.compile(r"(?<=[?&])([^=&\s]*(?:token|sig|key|secret|passw|credential)[^=&\s]*=)[^&\s'\"]+", re.I)


class LaionError(Exception):
    """The base of every error this project raises on purpose.

    Messages quote what strangers wrote (names of columns and files, addresses), and addresses may carry a password or a
    signature: shown, a message is one line that steers no terminal, without these.
    """

    def __str__(self) -> str:
        return _SECRET.sub(r"\1…", _PASSWORD.sub("…@", one_line(super().__str__(), max_chars=10_000)))


class ReleaseError(LaionError, ValueError):
    """A release's name, status or kind does not allow what was asked."""


class UnknownRelease(ReleaseError):
    """No release has that name."""


class WithdrawnRelease(ReleaseError):
    """The release, revision, mirror or shard was withdrawn and is not loaded."""


class NotPairs(ReleaseError):
    """The release exists, but holds no image-text pairs."""


class SchemaError(LaionError, ValueError):
    """Columns are not what was expected."""


class UnknownSchema(SchemaError):
    """A file's column set matches no published schema."""


class UnknownColumn(SchemaError):
    """A column name that is not canonical."""


class FilterError(LaionError, ValueError):
    """A filter cannot be read or applied."""


class RecipeError(LaionError, ValueError):
    """A recipe is unknown, or does not fit the release."""


class PolicyError(LaionError, ValueError):
    """A DownloadPolicy field has an impossible value."""


class LedgerError(LaionError, OSError):
    """A ledger cannot be written or read."""


class TakedownError(LaionError, OSError):
    """A takedown list cannot be read or applied; nothing is delivered without it."""


class LockError(LaionError, OSError):
    """A lock of pictures cannot be read or written; without it nothing would be compared."""


class DigestColumnError(LaionError, ValueError):
    """What is taken for digests of the image files are none: every one of the first checks mismatched."""


class ShardError(LaionError, OSError):
    """Shards cannot be listed or read."""


class NoShards(ShardError, FileNotFoundError):
    """Nothing matched."""


class RepositoryMissing(ShardError, FileNotFoundError):
    """The Hub has no such repository or revision, or hides it from this token."""


class AccessDenied(ShardError, PermissionError):
    """The repository is gated or private and this token has no access."""


class HubUnreachable(ShardError, ConnectionError):
    """The Hub cannot be reached, or offline mode is on."""


class CorruptShard(ShardError):
    """A file is not the parquet, CSV or TSV that it claims to be."""


class DownloadStopped(LaionError, ConnectionError):
    """So many images in a row could not be had that something is wrong here; the sentence names the likely cause."""


class FetchFailed(LaionError, OSError):
    """An image could not be had.

    Attributes:
        outcome: why, as a member of :class:`laion_pairs.ledger.Outcome`.
    """

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[FetchFailed], tuple[str, Outcome]]:
        return type(self), (str(self), self.outcome)


class ExportError(LaionError, OSError):
    """An output folder cannot be written or read."""


class ExportMismatch(ExportError, ValueError):
    """An output folder holds something else than what is asked for now."""


class MissingExtra(LaionError, ImportError):
    """An optional dependency is not installed."""
