"""The real clients, unchanged, against the loopback Hub. `hub` is the one that HF_ENDPOINT names in this process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, HfFileSystem
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from laion_pairs.sample import LoopbackHub, Repository

REPO, OLD_ID, GATED, PRIVATE = "someone/pairs", "someone/pairs-v1", "someone/gated", "someone/private"
READER, STRANGER = "hf_reader", "hf_stranger"


def parquet(rows: int, row_group_size: int = 1000) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"url": [f"http://x/{n}" for n in range(rows)]}), out, row_group_size=row_group_size)
    return out.getvalue()


@pytest.fixture
def pairs(hub: LoopbackHub) -> Repository:
    """Two commits a year apart, the second of which replaces and removes files."""
    repository = hub.add_repository(
        REPO,
        {"README.md": "# Pairs\n", "data/a.parquet": parquet(10), "data/b.parquet": parquet(20)},
        former_ids=[OLD_ID],
        date=datetime(2023, 1, 14, tzinfo=timezone.utc),
    )
    repository.add_commit(
        {"data/b.parquet": parquet(30), "notes.txt": "hi"}, delete=["data/a.parquet"], date=datetime(2024, 8, 30)
    )
    repository.tags["v2"] = repository.commits[-1].commit_id
    hub.users[STRANGER] = "stranger"
    for repo_id, how in ((GATED, {"gated": True}), (PRIVATE, {"private": True})):
        hub.add_repository(repo_id, {"README.md": "# x\n", "a.parquet": parquet(5)}, readers=[READER], **how)
    return repository


@pytest.fixture
def api(hub: LoopbackHub) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=False)


def filesystem(hub: LoopbackHub, token: str | bool = False) -> HfFileSystem:
    return HfFileSystem(endpoint=hub.endpoint, token=token, skip_instance_cache=True)


def download(api: HfApi, folder: Path, file: str = "README.md", repo_id: str = REPO, **options: Any) -> bytes:
    path = api.hf_hub_download(repo_id, file, repo_type="dataset", cache_dir=folder, **options)
    return Path(path).read_bytes()


def test_info_names_the_last_commit_and_its_files(pairs: Repository, api: HfApi) -> None:
    info = api.dataset_info(REPO, files_metadata=True)
    assert (info.id, info.sha, info.gated, info.private) == (REPO, pairs.commits[-1].commit_id, False, False)
    assert info.last_modified == datetime(2024, 8, 30, tzinfo=timezone.utc)
    assert {file.rfilename: file.size for file in info.siblings or []} == {
        path: file.size for path, file in pairs.commits[-1].files.items()
    }


@pytest.mark.parametrize("revision", ["main", "v2", "refs/heads/main", None])
def test_names_of_the_last_commit(pairs: Repository, api: HfApi, revision: str | None) -> None:
    assert api.dataset_info(REPO, revision=revision).sha == pairs.commits[-1].commit_id


@pytest.mark.parametrize(
    ("commit", "files"),
    [
        (0, {"README.md", "data/a.parquet", "data/b.parquet"}),
        (1, {"README.md", "data/b.parquet", "notes.txt"}),
    ],
)
def test_an_old_revision_serves_the_old_files(
    pairs: Repository, hub: LoopbackHub, api: HfApi, tmp_path: Path, commit: int, files: set[str]
) -> None:
    revision = pairs.commits[commit].commit_id
    assert set(api.list_repo_files(REPO, repo_type="dataset", revision=revision)) == files
    found = filesystem(hub).glob(f"datasets/{REPO}@{revision}/**/*.parquet")
    assert {path.split("/", 3)[-1] for path in found} == {path for path in files if path.endswith(".parquet")}
    assert (
        len(pq.read_table(io.BytesIO(download(api, tmp_path, "data/b.parquet", revision=revision)))) == (20, 30)[commit]
    )


def test_commits_come_last_first_with_their_dates(pairs: Repository, api: HfApi) -> None:
    commits = api.list_repo_commits(REPO, repo_type="dataset")
    assert [commit.commit_id for commit in commits] == [commit.commit_id for commit in reversed(pairs.commits)]
    assert [commit.created_at.year for commit in commits] == [2024, 2023]
    first = api.list_repo_commits(REPO, repo_type="dataset", revision=pairs.commits[0].commit_id)
    assert [commit.commit_id for commit in first] == [pairs.commits[0].commit_id]


def test_refs(pairs: Repository, api: HfApi) -> None:
    refs = api.list_repo_refs(REPO, repo_type="dataset")
    last = pairs.commits[-1].commit_id
    assert [(ref.name, ref.target_commit) for ref in refs.branches + refs.tags] == [("main", last), ("v2", last)]


def test_a_tree_of_many_pages_is_listed_whole(hub: LoopbackHub, api: HfApi) -> None:
    hub.add_repository("someone/many", {f"part-{n:04d}.txt": b"x" for n in range(2345)})
    assert len(list(api.list_repo_tree("someone/many", repo_type="dataset"))) == 2345
    assert [len(line.query.get("cursor", [])) for line in hub.requests("/api/datasets/someone/many/tree/main")] == [
        0,
        1,
        1,
    ]


def test_expanded_entries_name_the_commit_that_last_changed_them(pairs: Repository, api: HfApi) -> None:
    tree = api.list_repo_tree(REPO, repo_type="dataset", recursive=True, expand=True)
    changed = {entry.path: entry.last_commit["oid"] for entry in tree if entry.last_commit}
    first, last = (commit.commit_id for commit in pairs.commits)
    assert (changed["README.md"], changed["data/b.parquet"], changed["notes.txt"]) == (first, last, last)


def test_paths_info_leaves_out_what_is_missing(pairs: Repository, api: HfApi) -> None:
    found = api.get_paths_info(REPO, ["data", "data/b.parquet", "nothing"], repo_type="dataset")
    assert [entry.path for entry in found] == ["data", "data/b.parquet"]


def test_a_former_id_leads_to_the_new_one(pairs: Repository, hub: LoopbackHub, api: HfApi, tmp_path: Path) -> None:
    assert api.dataset_info(OLD_ID).id == REPO
    assert download(api, tmp_path, repo_id=OLD_ID) == b"# Pairs\n"
    assert len(filesystem(hub).ls(f"datasets/{OLD_ID}", detail=False)) == 3
    assert [entry.path for entry in api.get_paths_info(OLD_ID, ["notes.txt"], repo_type="dataset")] == ["notes.txt"]
    assert {line.status for line in hub.requests() if OLD_ID in line.path} == {307}


REFUSALS: list[tuple[str, type[Exception], int, dict[str, Any]]] = [
    ("missing repository", RepositoryNotFoundError, 401, {"repo_id": "someone/nothing"}),
    ("missing repository, known user", RepositoryNotFoundError, 404, {"repo_id": "someone/no", "token": STRANGER}),
    ("missing revision", RevisionNotFoundError, 404, {"revision": "f" * 40}),
    ("missing file", EntryNotFoundError, 404, {"file": "nothing.txt"}),
    ("gated, no token", GatedRepoError, 401, {"repo_id": GATED}),
    ("gated, no access", GatedRepoError, 403, {"repo_id": GATED, "token": STRANGER}),
    ("private, no token", RepositoryNotFoundError, 401, {"repo_id": PRIVATE}),
    ("private, no access", RepositoryNotFoundError, 404, {"repo_id": PRIVATE, "token": STRANGER}),
]


@pytest.mark.parametrize(("error", "status", "asked"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refusals_reach_the_caller_as_the_clients_own_errors(
    pairs: Repository, api: HfApi, tmp_path: Path, error: type[HfHubHTTPError], status: int, asked: dict[str, Any]
) -> None:
    with pytest.raises(error) as caught:
        download(api, tmp_path, **asked)
    assert caught.value.response.status_code == status


def test_a_disabled_repository_says_so(hub: LoopbackHub, api: HfApi) -> None:
    hub.add_repository("someone/gone", {"README.md": "x"}, disabled=True)
    with pytest.raises(HfHubHTTPError, match="Access to this resource is disabled"):
        api.dataset_info("someone/gone")


def test_an_invalid_token_is_refused_everywhere(pairs: Repository, api: HfApi) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid credentials"):
        api.dataset_info(REPO, token="hf_made_up")


def test_a_gated_repository_is_listed_to_everybody_and_read_by_its_readers(
    pairs: Repository, api: HfApi, tmp_path: Path
) -> None:
    assert api.dataset_info(GATED).gated == "auto"
    assert api.list_repo_files(GATED, repo_type="dataset") == ["README.md", "a.parquet"]
    assert download(api, tmp_path, repo_id=GATED, token=READER) == b"# x\n"


def test_whoami(pairs: Repository, api: HfApi) -> None:
    assert api.whoami(token=STRANGER)["name"] == "stranger"


def test_a_failing_hub_is_asked_again(pairs: Repository, hub: LoopbackHub) -> None:
    hub.fail(503, times=1, path_contains="/resolve/")
    with filesystem(hub).open(f"datasets/{REPO}/data/b.parquet") as file:
        assert file.read(4) == b"PAR1"
    assert [line.status for line in hub.requests() if "/resolve/" in line.path] == [503, 206]


@pytest.mark.parametrize(
    ("header", "status", "start", "stop"),
    [
        (None, 200, 0, 26),
        ("bytes=0-3", 206, 0, 4),
        ("bytes=5-", 206, 5, 26),
        ("bytes=-4", 206, 22, 26),
        ("bytes=20-99", 206, 20, 26),
        ("bytes=26-", 416, 0, 0),
        ("bytes=7-3", 200, 0, 26),
        ("rows=1-2", 200, 0, 26),
    ],
)
def test_ranges(hub: LoopbackHub, header: str | None, status: int, start: int, stop: int) -> None:
    import requests

    letters = bytes(range(97, 123))
    hub.add_repository("someone/letters", {"a.bin": letters})
    url = f"{hub.endpoint}/datasets/someone/letters/resolve/main/a.bin"
    answer = requests.get(url, headers={"Range": header} if header else {}, timeout=10)
    assert (answer.status_code, answer.content) == (status, letters[start:stop])
    assert hub.requests()[-1].bytes_sent == len(answer.content) == int(answer.headers["Content-Length"])
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/26"


def test_one_row_group_of_a_remote_shard_is_read_without_the_rest(hub: LoopbackHub) -> None:
    shard = parquet(200_000, row_group_size=20_000)
    hub.add_repository("someone/big", {"a.parquet": shard})
    with filesystem(hub).open("datasets/someone/big/a.parquet", cache_type="none") as file:
        pq.ParquetFile(file).read_row_group(3)
    sent = sum(line.bytes_sent for line in hub.requests() if "/resolve/" in line.path)
    assert 0 < sent < len(shard) / 4


def test_the_token_is_logged_where_it_was_sent(pairs: Repository, hub: LoopbackHub, api: HfApi, tmp_path: Path) -> None:
    download(api, tmp_path, repo_id=GATED, token=READER)
    assert {line.authorization for line in hub.requests()} == {f"Bearer {READER}"}


LOAD = """
import json, sys
from datasets import load_dataset
repo_id, streaming, options = sys.argv[1], sys.argv[2] == "streaming", json.loads(sys.argv[3])
try:
    rows = [row["url"] for row in load_dataset(repo_id, split="train", streaming=streaming, **options)]
    answer = {"rows": len(rows), "last": rows[-1]}
except Exception as error:
    answer = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(answer))
"""


@pytest.fixture
def load(hub: LoopbackHub, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The stock `datasets.load_dataset` in a process of its own that knows the Hub by HF_ENDPOINT only."""

    def run(repo_id: str, how: str = "streaming", **options: Any) -> dict[str, Any]:
        environment = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-c", LOAD, repo_id, how, json.dumps(options)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
        return dict(json.loads(done.stdout.splitlines()[-1]))

    return run


def test_stock_datasets_streams_and_downloads(pairs: Repository, hub: LoopbackHub, load: Callable[..., Any]) -> None:
    expected = {"rows": 30, "last": "http://x/29"}
    assert load(REPO) == expected
    assert load(OLD_ID, "prepared") == expected


def test_stock_datasets_is_told_what_a_gated_repository_needs(pairs: Repository, load: Callable[..., Any]) -> None:
    assert "gated dataset on the Hub. You must be authenticated" in load(GATED)["message"]
    assert load(GATED, token=READER)["rows"] == 5
