"""Takedown lists: what an entry covers, what it does not, and that nothing passes under a list half understood."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laion_pairs.errors import TakedownError
from laion_pairs.schema import normalise_url
from laion_pairs.takedown import Entry, configured_lists, open_lists, read_list, write_list
from laion_pairs.takedown import configured as configured_module
from laion_pairs.takedown.format import SCHEMA

MD5, SHA256 = "0123456789abcdef" * 2, "fedcba9876543210" * 4

COVERS = [  # kind, listed, a row's URL, covered
    ("url", "https://example.com/a.jpg", "https://example.com/a.jpg", True),
    ("url", "https://example.com/a.jpg", "HTTPS://Example.COM:443/a.jpg#x", True),
    ("url", "https://example.com/a.jpg", "http://example.com/a.jpg", True),
    ("url", "https://example.com/a~b.jpg", "https://example.com/a%7eb.jpg", True),
    ("url", "https://example.com/a.jpg", "https://example.com/x/../a.jpg", True),
    ("url", "https://example.com/x/a.jpg", "https://example.com//x///a.jpg", True),
    ("url", "https://example.com/x//a.jpg", "https://example.com/x/a.jpg", True),
    ("url", "https://example.com/a.jpg", "https://me:pw@example.com/a.jpg", True),
    ("url", "https://example.com/a?u=http://h/b", "https://example.com/a?u=http:/h/b", False),
    ("url", "https://example.com/a.jpg", "https://example.com/a.jpg?w=1", False),
    ("url", "https://example.com/a.jpg", "https://example.com/A.jpg", False),
    ("url", "https://example.com/a.jpg", "https://example.com:8080/a.jpg", False),
    ("url_prefix", "https://example.com/ann", "http://example.com/ann/1.jpg", True),
    ("url_prefix", "https://example.com/ann/", "https://example.com/ann/b/1.jpg?x=/y", True),
    ("url_prefix", "https://example.com/ann", "https://example.com/ann?size=2", True),
    ("url_prefix", "https://example.com/ann", "https://example.com/anna/1.jpg", False),
    ("url_prefix", "https://example.com/ann", "https://example.com/bob/../ann/1.jpg", True),
    ("url_prefix", "https://example.com/ann", "https://example.com//ann/1.jpg", True),
    ("url_prefix", "https://example.com/ann", "https://example.com/?u=/ann/1.jpg", False),
    ("url_prefix", "https://example.com", "https://example.com/x", True),
    ("url_prefix", "https://example.com", "https://example.com.evil.org/x", False),
    ("domain", "example.com", "https://example.com/x", True),
    ("domain", "Example.COM", "https://img.cdn.example.com:8443/x", True),
    ("domain", "example.com", "https://notexample.com/x", False),
    ("domain", "example.com", "https://example.com.evil.org/x", False),
    ("domain", "example.com", "https://evil.org/example.com", False),
    ("domain", "bücher.example", "https://xn--bcher-kva.example/x", True),
    ("domain", "img.example.com", "https://example.com/x", False),
]


def lists(path: Path, *entries: Entry, version: str = "v1"):
    write_list(path / "list.parquet", entries, version)
    return open_lists([path / "list.parquet"])


def urls(*values: str | None) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"url": pa.array(values, pa.string())})


@pytest.mark.parametrize(("kind", "listed", "url", "covered"), COVERS)
def test_what_an_entry_covers(tmp_path: Path, kind: str, listed: str, url: str, covered: bool) -> None:
    found = lists(tmp_path, Entry(kind, listed, "request"))
    assert (found.match_url(url) is not None) is covered
    matches = found.match(urls(None, url, "https://other.example.net/"))
    assert matches.keep.to_pylist() == [True, not covered, True]
    assert matches.counts == ({("list.parquet", "v1", "request"): 1} if covered else {})


IDS = [
    (Entry("pair_id", -5, "r"), "pair_id", [4, -5, None], pa.int64()),
    (Entry("sample_id", 2**63 - 1, "r", release="laion400m"), "sample_id", [1, 2**63 - 1, None], pa.int64()),
    (Entry("md5", MD5.upper(), "r"), "digest", [f"sha256:{SHA256}", f"md5:{MD5}", None], pa.string()),
    (Entry("sha256", SHA256, "r"), "digest", ["md5:short", f"sha256:{SHA256}", None], pa.string()),
    (
        Entry("page_url", "https://p.example/x", "r"),
        "page_url",
        ["https://p.example/", "http://P.example/x", None],
        pa.string(),
    ),
]


@pytest.mark.parametrize(("entry", "column", "values", "type_"), IDS)
def test_ids_and_digests(tmp_path: Path, entry: Entry, column: str, values: list, type_: pa.DataType) -> None:
    found = lists(tmp_path, entry)
    batch = pa.RecordBatch.from_pydict({column: pa.array(values, type_)})
    assert found.match(batch, "laion400m").keep.to_pylist() == [True, False, True][: len(values)]
    assert column in (*found.columns, *found.extra_columns)
    assert found.unchecked({column}, "laion400m") == {}
    assert found.unchecked(()) == {("list.parquet", "v1", str(entry.kind)): 1}


def test_sample_ids_belong_to_a_release(tmp_path: Path) -> None:
    found = lists(tmp_path, Entry("sample_id", 7, "r", release="laion400m"))
    batch = pa.RecordBatch.from_pydict({"sample_id": pa.array([7])})
    assert found.match(batch, "LAION400M").keep.to_pylist() == [False]
    assert found.match(batch, "laion2B-en").keep.to_pylist() == [True]
    assert found.unchecked({"sample_id"}, "laion2B-en") == {("list.parquet", "v1", "sample_id"): 1}
    assert found.match(batch, None).keep.to_pylist() == [False]  # nobody knows whose: err on the side of the person


def test_bytes_and_phashes(tmp_path: Path) -> None:
    found = lists(tmp_path, Entry("sha256", SHA256, "r"), Entry("phash", "0" * 16, "p"))
    assert found.match_bytes("0" * 32, SHA256.upper()) is not None
    assert found.match_bytes("0" * 32, "0" * 64) is None
    assert found.unchecked({"url", "pair_id", "digest"}) == {("list.parquet", "v1", "phash"): 1}


@given(
    st.lists(st.sampled_from([f"https://h{i}.example/{j}.jpg" for i in range(4) for j in range(4)]), max_size=20),
    st.sets(st.sampled_from([f"https://h{i}.example/{j}.jpg" for i in range(4) for j in range(4)])),
)
@settings(max_examples=40, deadline=None)
def test_a_batch_is_matched_like_its_rows(tmp_path_factory: pytest.TempPathFactory, rows: list, listed: set) -> None:
    found = lists(tmp_path_factory.mktemp("l"), *(Entry("url", url, f"r{len(url) % 3}") for url in sorted(listed)))
    matches = found.match(urls(*rows))
    assert matches.keep.to_pylist() == [row not in listed for row in rows]
    assert sum(matches.counts.values()) == sum(row in listed for row in rows)


def test_several_lists_are_one_and_the_first_reason_counts(tmp_path: Path) -> None:
    write_list(tmp_path / "a.parquet", [Entry("domain", "x.example", "one")], "1")
    write_list(tmp_path / "b.parquet", [Entry("domain", "x.example", "two"), Entry("domain", "y.example", "two")], "2")
    both = open_lists([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert both.match(urls("https://x.example/", "https://y.example/")).counts.values().__len__() == 2
    assert both.names == ("a.parquet", "b.parquet")
    assert both.content_digest != open_lists([tmp_path / "a.parquet"]).content_digest


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    assert lists(tmp_path, Entry("domain", "x.example", "r")).match_url("https://y.example/") is None
    assert lists(tmp_path, Entry("domain", "y.example", "r")).match_url("https://y.example/") is not None


def test_no_list_lets_everything_pass() -> None:
    nothing = open_lists([])
    assert nothing.match(urls("https://x.example/", None)).keep.to_pylist() == [True, True]
    assert (nothing.columns, len(nothing), nothing.match_url("x"), nothing.match_bytes(MD5, SHA256)) == (
        (),
        0,
        None,
        None,
    )


def test_a_list_holds_no_url(tmp_path: Path) -> None:
    lists(tmp_path, Entry("url", "https://secret.example/p.jpg", "gdpr", date(2024, 5, 1), "case 7"), version="2024-05")
    assert b"secret" not in (tmp_path / "list.parquet").read_bytes()
    row = read_list(tmp_path / "list.parquet").table.to_pylist()[0]
    assert (row["reason"], row["since"], row["source"], row["list_version"]) == (
        "gdpr",
        date(2024, 5, 1),
        "case 7",
        "2024-05",
    )


REFUSED_ENTRIES = [
    Entry("planet", "x", "r"),
    Entry("url", "secret.example/x", "r"),
    Entry("url_prefix", "https://secret.example/?x", "r"),
    Entry("domain", "https://secret.example", "r"),
    Entry("domain", "secret", "r"),
    Entry("domain", "*.secret.example", "r"),
    Entry("md5", "secret", "r"),
    Entry("sha256", MD5, "r"),
    Entry("pair_id", "secret", "r"),
    Entry("pair_id", 2**63, "r"),
    Entry("sample_id", 1, "r"),
    Entry("url", "https://secret.example/x", "see https://secret.example"),
]


@pytest.mark.parametrize("entry", REFUSED_ENTRIES, ids=repr)
def test_refused_entries(tmp_path: Path, entry: Entry) -> None:
    with pytest.raises(TakedownError) as error:
        write_list(tmp_path / "list.parquet", [entry], "v1")
    assert "secret" not in str(error.value)
    assert not (tmp_path / "list.parquet").exists()


GOOD = {
    "kind": ["domain"],
    "value": [1],
    "normalised": [None],
    "release": [None],
    "since": [None],
    "reason": ["r"],
    "source": [None],
    "list_version": ["1"],
}
BROKEN = {
    "unknown kind": {"kind": ["planet"]},
    "null value": {"value": [None]},
    "null reason": {"reason": [None]},
    "url without normalised": {"kind": ["url"]},
    "sample_id without release": {"kind": ["sample_id"]},
    "URL in a reason": {"reason": ["https://x"]},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_list_that_cannot_be_applied_stops_the_run(tmp_path: Path, change: dict) -> None:
    nullable = pa.schema([pa.field(field.name, field.type) for field in SCHEMA])
    pq.write_table(pa.table(GOOD, schema=nullable), tmp_path / "good.parquet")
    assert len(open_lists([tmp_path / "good.parquet"])) == 1
    pq.write_table(pa.table({**GOOD, **change}, schema=nullable), tmp_path / "bad.parquet")
    with pytest.raises(TakedownError):
        open_lists([tmp_path / "good.parquet", tmp_path / "bad.parquet"])


def test_unreadable_files_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "garbage.parquet").write_bytes(b"PAR1 no")
    pq.write_table(pa.table({"kind": ["url"]}), tmp_path / "columns.parquet")
    later = pa.table(GOOD, schema=pa.schema([(f.name, f.type) for f in SCHEMA], {"laion_takedown_format": "2"}))
    pq.write_table(later, tmp_path / "later.parquet")
    for name in ("missing.parquet", "garbage.parquet", "columns.parquet", "later.parquet", "."):
        with pytest.raises(TakedownError):
            open_lists([tmp_path / name])


def test_configured_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, machine = tmp_path / "user", tmp_path / "machine"
    for folder, name in ((user, "b"), (user, "a"), (machine, "c")):
        folder.mkdir(exist_ok=True)
        write_list(folder / f"{name}.parquet", [], "1")
    monkeypatch.setattr(configured_module, "list_folders", lambda: (user, machine, tmp_path / "none"))
    monkeypatch.setenv("LAION_TAKEDOWN", os.pathsep.join([str(tmp_path / "e.parquet"), str(user / "a.parquet")]))
    expected = [tmp_path / "e.parquet", user / "a.parquet", user / "b.parquet", machine / "c.parquet"]
    assert configured_lists() == tuple(map(str, expected))


def test_a_folder_that_cannot_be_looked_into_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(configured_module, "list_folders", lambda: (tmp_path / "file",))
    with pytest.raises(TakedownError, match="cannot be looked into"):
        configured_lists()


@given(
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=40).map(lambda path: f"https://example.com/{path}")
)
@settings(max_examples=60, deadline=None)
def test_a_listed_url_is_found_however_it_is_spelled(tmp_path_factory: pytest.TempPathFactory, url: str) -> None:
    found = lists(tmp_path_factory.mktemp("l"), Entry("url", url, "r"))
    for spelled in (url, normalise_url(url), url.replace("https", "HTTP", 1), f"{url.partition('#')[0]}#fragment"):
        assert found.match_url(spelled) is not None
