"""What a message may hold when it is shown: one line, nothing that steers a terminal, no secrets."""

from __future__ import annotations

import pickle
import traceback

import pytest

from laion_pairs.errors import CorruptShard, FetchFailed, LaionError, NoShards, TakedownError, UnknownSchema
from laion_pairs.ledger import Outcome


@pytest.mark.parametrize("kind", [LaionError, UnknownSchema, NoShards, TakedownError, CorruptShard])
def test_what_strangers_wrote_steers_no_terminal(kind: type[LaionError]) -> None:
    error = kind("its columns are \x1b]0;owned\x07, \u202egnp.exe and a\nb")
    shown = "".join(traceback.format_exception_only(error))
    assert not set("\x1b\x07\u202e") & set(shown)
    assert shown.count("\n") == 1
    assert r"\x1b]0;owned\x07" in shown
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no file at https://me:secret@h.example/a.parquet; check", "no file at https://…@h.example/a.parquet; check"),
        (
            "https://h.example/a?X-Amz-Signature=abc&v=1 (HTTP 403)",
            "https://h.example/a?X-Amz-Signature=…&v=1 (HTTP 403)",
        ),
        ("'https://h.example/a?v=1&access_token=abc'", "'https://h.example/a?v=1&access_token=…'"),
        ("hf://datasets/me/mine@main/a.parquet", "hf://datasets/me/mine@main/a.parquet"),
        ("write to me@example.org, a=b", "write to me@example.org, a=b"),
    ],
)
def test_secrets_of_addresses_are_not_shown(message: str, shown: str) -> None:
    assert str(NoShards(message)) == shown
    assert str(FetchFailed(message, Outcome.OK)) == shown


def test_a_message_has_an_end() -> None:
    assert len(str(UnknownSchema("x" * 10**6))) <= 10_000
