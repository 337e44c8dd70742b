"""Listing against the loopback Hub and local folders: which files, which splits, which commit, which refusal."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from relaion_shard import RELEASE, REPO, parquet, s8_table, shard_name

from laion_pairs.errors import AccessDenied, HubUnreachable, NoShards, RepositoryMissing, ShardError
from laion_pairs.releases import find_release
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.shards import Listing, list_source
from laion_pairs.shards.locations import HubPath, parse_hub_path

DATA = parquet(s8_table(3))
NOT_DATA = [".part-00000.parquet.crc", "_SUCCESS", "README.md", "x.npz", ".hidden.parquet", ".cache/a.parquet", "x.crc"]


def names(listing: Listing) -> dict[str, list[str]]:
    """Split to paths below the commit or the folder."""
    return {split: [shard.url.rpartition("/")[2] for shard in shards] for split, shards in listing.splits.items()}


def add(hub: LoopbackHub, repo_id: str, *paths: str, readme: str = "# A set\n", **options: object):
    files: dict[str, bytes | str] = dict.fromkeys(paths, DATA)
    return hub.add_repository(repo_id, {**files, "README.md": readme}, **options)  # type: ignore[arg-type]


def test_a_release_is_its_shards_at_a_commit(hub: LoopbackHub) -> None:
    repository = add(hub, REPO, shard_name(1), shard_name(0), "other.parquet", *NOT_DATA)
    listing = list_source(find_release(RELEASE))
    assert names(listing) == {"train": [shard_name(0), shard_name(1)]}
    commit = repository.commits[-1].commit_id
    assert listing.splits["train"][0].url == f"hf://datasets/{REPO}@{commit}/{shard_name(0)}"
    assert (listing.commit, listing.repo_id, listing.splits["train"][0].size) == (commit, REPO, len(DATA))
    assert len(hub.requests(method="GET")) == 1
    repository.add_commit({shard_name(2): DATA})
    assert len(list_source(find_release(RELEASE)).shards) == 3
    assert list_source(find_release(RELEASE), revision=commit).commit == commit


@pytest.mark.parametrize(("n_files", "n_pages"), [(999, 0), (1000, 2), (2500, 3)])
def test_a_large_repository_is_listed_page_by_page_at_its_commit(hub: LoopbackHub, n_files: int, n_pages: int) -> None:
    """The Hub's answer about a repository may leave files out where there are many."""
    repository = add(hub, REPO, *(f"more/{n:05d}.txt" for n in range(n_files - 2)), shard_name(0))
    listing = list_source(find_release(RELEASE))
    assert [shard.size for shard in listing.shards] == [len(DATA)]
    asked = [request.path for request in hub.requests(method="GET") if "/tree/" in request.path]
    assert len(asked) == n_pages  # of a thousand entries, folders included
    commit = repository.commits[-1].commit_id
    assert all(path.split("/tree/")[1].startswith(commit) for path in asked)  # main may move in between


def test_a_release_without_published_names_is_listed(hub: LoopbackHub) -> None:
    add(hub, "laion/relaion400m", "b.parquet", "data/a.parquet", *NOT_DATA)
    assert names(list_source(find_release("relaion400m"))) == {"train": ["b.parquet", "a.parquet"]}


def test_alternate_ids_are_tried_in_order(hub: LoopbackHub) -> None:
    release = find_release("relaion-high-resolution")
    assert release.alternate_ids
    add(hub, release.alternate_ids[-1], "a.parquet")
    assert list_source(release).repo_id == release.alternate_ids[-1]
    add(hub, release.repo_id, "a.parquet")
    assert list_source(release).repo_id == release.repo_id


CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: x/*
  - split: extra
    path: [y/b.parquet]
---
"""
REPOSITORIES = [
    (["a.parquet", *NOT_DATA], "# x", {"train": ["a.parquet"]}),
    (["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"], "# x",
     {"train": ["train-00000-of-00001.parquet"], "test": ["test-00000-of-00001.parquet"]}),
    (["validation/a.parquet", "train/b.parquet"], "# x", {"train": ["b.parquet"], "validation": ["a.parquet"]}),
    (["x/a.parquet", "y/b.parquet", "z/c.parquet"], CARD, {"train": ["a.parquet"], "extra": ["b.parquet"]}),
]  # fmt: skip


@pytest.mark.parametrize(("paths", "readme", "expected"), REPOSITORIES)
def test_a_repository_outside_the_catalogue(hub: LoopbackHub, paths: list, readme: str, expected: dict) -> None:
    add(hub, "me/my-set", *paths, readme=readme)
    assert names(list_source("me/my-set")) == expected


def test_several_configurations_without_a_default_are_not_guessed(hub: LoopbackHub) -> None:
    readme = (
        "---\nconfigs:\n- config_name: a\n  data_files: a.parquet\n- config_name: b\n  data_files: b.parquet\n---\n"
    )
    add(hub, "me/my-set", "a.parquet", "b.parquet", readme=readme)
    with pytest.raises(ShardError, match=r"a, b.*data_files="):
        list_source("me/my-set")


HUB_FILES = [
    ("hf://datasets/me/my-set/x/a.parquet", {"train": ["a.parquet"]}),
    ("hf://datasets/me/my-set@main/x/*.parquet", {"train": ["a.parquet", "b.parquet"]}),
    ("hf://datasets/me/my-set/**", {"train": ["t.csv", "a.parquet", "b.parquet"]}),
    ("hf://datasets/me/my-set/x", {"train": ["a.parquet", "b.parquet"]}),
    ("hf://datasets/me/my-set", {"train": ["t.csv", "a.parquet", "b.parquet"]}),
    ("{endpoint}/datasets/me/my-set/resolve/main/x/a.parquet?download=true", {"train": ["a.parquet"]}),
    (["hf://datasets/me/my-set/x/b.parquet"] * 2, {"train": ["b.parquet"]}),
    ({"dev": "hf://datasets/me/my-set/x/a.parquet"}, {"dev": ["a.parquet"]}),
]


@pytest.mark.parametrize(("files", "expected"), HUB_FILES, ids=str)
def test_files_by_hand_on_the_hub(hub: LoopbackHub, files: object, expected: dict) -> None:
    repository = add(hub, "me/my-set", "x/a.parquet", "x/b.parquet")
    repository.add_commit({"t.csv": "url,caption\nhttps://x.example/1.jpg,c\n"})
    if isinstance(files, str):
        files = files.replace("{endpoint}", hub.endpoint)
    listing = list_source(files=files)
    assert names(listing) == expected
    assert all(f"@{repository.commits[-1].commit_id}/" in shard.url for shard in listing.shards)
    assert listing.commit == repository.commits[-1].commit_id


def test_relative_files_are_in_the_repository_or_folder(hub: LoopbackHub, tmp_path: Path) -> None:
    add(hub, "me/my-set", "x/a.parquet", "x/b.parquet")
    assert names(list_source("me/my-set", files="x/b*")) == {"train": ["b.parquet"]}
    (tmp_path / "b.parquet").write_bytes(DATA)
    assert names(list_source(str(tmp_path), files={"dev": "b*"})) == {"dev": ["b.parquet"]}


def test_local_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train/a.parquet", "train/[b].parquet", "test/c.parquet", *NOT_DATA):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(DATA)
    in_order = ["[b].parquet", "a.parquet"]
    assert names(list_source(str(tmp_path))) == {"train": in_order, "test": ["c.parquet"]}
    assert names(list_source(files=tmp_path)) == {"train": in_order, "test": ["c.parquet"]}
    monkeypatch.chdir(tmp_path)
    assert names(list_source(files="train/*")) == {"train": in_order}
    assert names(list_source(files=["train/[b].parquet", Path("test/c.parquet")])) == {
        "train": ["[b].parquet", "c.parquet"]
    }
    assert names(list_source(files={"x": "**/c.parquet"})) == {"x": ["c.parquet"]}
    listing = list_source(files="file://" + str(tmp_path / "test/c.parquet"))
    assert listing.shards[0].url == str(tmp_path / "test/c.parquet")


def test_fingerprint_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(DATA)
    before = list_source(files=tmp_path).fingerprint
    assert list_source(files=tmp_path).fingerprint == before
    os.utime(tmp_path / "a.parquet", ns=(1, 1))
    assert list_source(files=tmp_path).fingerprint != before


NOWHERE = [
    "/nowhere/x.parquet",
    "/nowhere/*.parquet",
    [],
    {},
    "s3://bucket/x.parquet",
    "hf://x",
    "https://h.example/*.parquet",
]


@pytest.mark.parametrize("files", NOWHERE, ids=str)
def test_files_that_are_not_there(files: object) -> None:
    with pytest.raises(ShardError):
        list_source(files=files)


def test_an_empty_repository_and_a_wrong_name(hub: LoopbackHub) -> None:
    add(hub, "me/empty")
    add(hub, REPO, "README.md")
    for source in ("me/empty", find_release(RELEASE)):
        with pytest.raises(NoShards, match="data_files="):
            list_source(source)
    add(hub, REPO, "renamed.parquet")
    with pytest.warns(UserWarning, match="was published with shards named part-"):
        assert [shard.url.rpartition("/")[2] for shard in list_source(find_release(RELEASE)).shards] == [
            "renamed.parquet"
        ]
    with pytest.raises(NoShards, match=r"nope\.parquet"):
        list_source(files=f"hf://datasets/{REPO}/nope.parquet")


def test_a_split_that_is_not_there_is_said_to_be_missing(hub: LoopbackHub) -> None:
    add(hub, find_release("cc3m").repo_id, "unlabeled/train-00000-of-00001.parquet")
    with pytest.warns(UserWarning, match="no 'validation' split"):
        assert list(list_source(find_release("cc3m")).splits) == ["train"]


TOKEN = "hf_secret"


@pytest.mark.parametrize(
    ("options", "revision", "error", "says"),
    [
        ({"private": True}, None, RepositoryMissing, "hf auth login"),
        ({"disabled": True}, None, AccessDenied, "disabled"),
        ({}, "v9", RepositoryMissing, "no revision 'v9'"),
        ({"gated": True, "readers": ["hf_somebody_else"]}, None, AccessDenied, "accept the terms at"),
    ],
)
def test_refusals_of_the_hub(hub: LoopbackHub, options: dict, revision: str | None, error: type, says: str) -> None:
    add(hub, "me/my-set", "a.parquet", **options)
    hub.users[TOKEN] = "me"
    with pytest.raises(error, match=says) as caught:
        list_source("me/my-set", revision=revision, token=TOKEN)
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_repository_wrong_token_and_a_hub_in_trouble(hub: LoopbackHub) -> None:
    with pytest.raises(RepositoryMissing, match="check the spelling"):
        list_source("me/missing")
    add(hub, "me/my-set", "a.parquet")
    with pytest.raises(AccessDenied, match="hf auth login"):
        list_source("me/my-set", token="hf_wrong")
    hub.fail(500, times=20)
    with pytest.raises(HubUnreachable, match="HTTP 500"):
        list_source("me/my-set")
    hub._failures.clear()  # however many times the client tried


def test_the_token_is_in_nothing_that_is_returned(hub: LoopbackHub) -> None:
    add(hub, "me/my-set", "a.parquet", private=True, readers=[TOKEN])
    listing = list_source("me/my-set", token=TOKEN)
    assert TOKEN.encode() not in pickle.dumps(listing)
    assert TOKEN not in repr(listing)


def test_an_unreachable_hub_and_offline_mode() -> None:
    code = (
        "import sys\nfrom laion_pairs.errors import HubUnreachable\nfrom laion_pairs.shards import list_source\n"
        "try: list_source('me/my-set')\nexcept HubUnreachable as error: print(error)\n"
    )
    for environment, says in (
        ({"HF_HUB_OFFLINE": "1"}, "offline mode is on (HF_HUB_OFFLINE)"),
        ({"HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "1"}, "offline mode is on (HF_DATASETS_OFFLINE)"),
        ({"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached"),
    ):
        run = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True
        )
        assert says in run.stdout, run.stderr


PLACES = [
    ("hf://datasets/a/b", HubPath("a/b", None, "")),
    ("hf://datasets/a/b/c/d.parquet", HubPath("a/b", None, "c/d.parquet")),
    ("hf://datasets/a/b@v1/c", HubPath("a/b", "v1", "c")),
    ("hf://datasets/a/b@refs/convert/parquet/c", HubPath("a/b", "refs/convert/parquet", "c")),
    ("hf://datasets/a/b@refs%2Fpr%2F3/c", HubPath("a/b", "refs/pr/3", "c")),
    ("https://huggingface.co/datasets/a/b/resolve/main/c%20d.parquet", HubPath("a/b", "main", "c d.parquet")),
    ("https://hf.co/datasets/a/b/blob/refs%2Fconvert%2Fparquet/c", HubPath("a/b", "refs/convert/parquet", "c")),
    ("https://huggingface.co/datasets/a/b", HubPath("a/b", None, "")),
    ("https://example.com/datasets/a/b", None),
    ("a/b.parquet", None),
]


@pytest.mark.parametrize(("url", "place"), PLACES)
def test_places_on_the_hub(url: str, place: HubPath | None) -> None:
    assert parse_hub_path(url) == place


@pytest.mark.parametrize("url", ["hf://datasets/a", "hf://a/b/c.parquet", "https://huggingface.co/a/b/resolve/main/c"])
def test_no_places_on_the_hub(url: str) -> None:
    with pytest.raises(ShardError, match="hf://datasets/owner/name"):
        parse_hub_path(url)
