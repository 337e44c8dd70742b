"""Withdrawn data, end to end on the loopback Hub: refused whatever the Hub answers; recognised in files by hand."""

from __future__ import annotations

import warnings
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from relaion_shard import OLD_UUID, RELEASE, REPO, parquet, s1_table, s8_table, shard_name

from laion_pairs.errors import NotPairs, RepositoryMissing, WithdrawnRelease
from laion_pairs.releases import RELEASES, Kind, Status, find_release
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.shards import ReadPlan, Shard, list_source, read_shard

OLD, NEW = parquet(s1_table(3)), parquet(s8_table(3))
WITHDRAWN = [release for release in RELEASES if release.status is Status.WITHDRAWN]
FORMER = sorted({former for release in RELEASES for former in release.former_ids})


@pytest.mark.parametrize("release", WITHDRAWN, ids=lambda release: release.name)
def test_a_withdrawn_release_is_refused_whatever_the_hub_answers(hub: LoopbackHub, release) -> None:
    hub.add_repository(release.repo_id, {"a.parquet": NEW})
    refusal = WithdrawnRelease if release.kind is Kind.PAIRS else NotPairs
    with pytest.raises(refusal):
        list_source(release)
    for source in (release.repo_id, release.repo_id.upper()):
        with pytest.raises((WithdrawnRelease, NotPairs)):
            list_source(source)
    for files in (
        f"hf://datasets/{release.repo_id}/a.parquet",
        f"{hub.endpoint}/datasets/{release.repo_id}/resolve/main/a.parquet",
    ):
        with pytest.raises((WithdrawnRelease, NotPairs)):
            list_source(files=files)
    assert hub.log == [], "the Hub was asked"


@pytest.mark.parametrize("former", FORMER)
def test_a_former_id_is_never_followed(hub: LoopbackHub, former: str) -> None:
    release = next(release for release in RELEASES if former in release.former_ids)
    hub.add_repository(release.repo_id, {"a.parquet": NEW}, former_ids=[former])
    for asked in (former, former.lower()):
        with pytest.raises(WithdrawnRelease, match=release.name):
            list_source(asked)
        with pytest.raises(WithdrawnRelease):
            list_source(files=f"hf://datasets/{asked}@main/a.parquet")


def test_an_answer_under_another_name_is_refused(hub: LoopbackHub) -> None:
    hub.add_repository("me/new-name", {"a.parquet": NEW}, former_ids=["me/old-name", REPO])
    for source in ("me/old-name", find_release(RELEASE)):
        with pytest.raises(RepositoryMissing, match="renamed it to me/new-name"):
            list_source(source)


def day(year: int, month: int, day_: int) -> datetime:
    return datetime(year, month, day_, tzinfo=timezone.utc)


def test_an_old_revision_of_a_renamed_repository_is_refused(hub: LoopbackHub) -> None:
    assert find_release(RELEASE).renamed_since is not None
    repository = hub.add_repository(REPO, {shard_name(): OLD}, date=day(2022, 9, 1))
    middle = repository.add_commit({shard_name(): NEW}, date=day(2024, 8, 1))
    head = repository.add_commit({shard_name(1): NEW}, date=day(2024, 9, 1))
    old = repository.commits[0].commit_id
    repository.branches["legacy"] = repository.tags["v1"] = old
    for revision in (old, old[:10], "legacy", "v1"):
        with pytest.raises(WithdrawnRelease, match="2022-09-01"):
            list_source(find_release(RELEASE), revision=revision)
        with pytest.raises(WithdrawnRelease, match="2022-09-01"):
            list_source(REPO, revision=revision)
        for files in (
            f"hf://datasets/{REPO}@{revision}/*.parquet",
            f"{hub.endpoint}/datasets/{REPO}/resolve/{revision}/{shard_name()}",
        ):
            with pytest.raises(WithdrawnRelease, match="2022-09-01"):
                list_source(files=files)
    assert list_source(find_release(RELEASE), revision=middle.commit_id).commit == middle.commit_id
    assert list_source(find_release(RELEASE), revision="main").commit == head.commit_id


def test_the_same_date_rule_does_not_touch_other_repositories(hub: LoopbackHub) -> None:
    repository = hub.add_repository("me/my-set", {"a.parquet": NEW}, date=day(2020, 1, 1))
    repository.add_commit({"b.parquet": NEW})
    assert len(list_source("me/my-set", revision=repository.commits[0].commit_id).shards) == 1


def test_old_shard_names_are_refused_in_any_repository(hub: LoopbackHub) -> None:
    hub.add_repository("someone/copy", {f"x/{shard_name(7, OLD_UUID)}": OLD, "a.parquet": NEW})
    for refused in ({"source": "someone/copy"}, {"files": "hf://datasets/someone/copy/a.parquet"}):
        with pytest.raises(WithdrawnRelease, match="laion2B-en"):
            list_source(**refused)


MIRRORS = [
    "https://the-eye.eu/public/AI/cah/laion400m-met-release/laion400m-meta/part-00000.parquet",
    "https://deploy.laion.ai/8f83b608504d46bb81708ec86e912220/dataset/x.parquet",
    f"https://files.example/{shard_name(3, OLD_UUID)}",
    f"https://files.example/{shard_name(3, OLD_UUID)}?download=1",
    "hf://datasets/danielz01/laion-5b/x.parquet",
    "hf://datasets/cat-state/laion2B-en/x.parquet",
]


@pytest.mark.parametrize("url", MIRRORS)
def test_mirrors_are_refused(hub: LoopbackHub, url: str) -> None:
    with pytest.raises(WithdrawnRelease):
        list_source(files=url)
    assert hub.log == []


def local(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_old_files_by_hand_are_marked_warned_about_once_and_readable(tmp_path: Path) -> None:
    by_name = local(tmp_path, shard_name(0, OLD_UUID), NEW)
    by_columns = local(tmp_path, "renamed.parquet", OLD)
    by_csv = local(
        tmp_path,
        "raw.csv",
        b"SAMPLE_ID,URL,TEXT,HEIGHT,WIDTH,LICENSE,NSFW,similarity\n1,https://h.example/1,t,2,3,?,UNSURE,0.3\n",
    )
    for path in (by_name, by_columns, by_csv):
        with pytest.warns(UserWarning, match="withdrawn") as caught:
            listing = list_source(files=path)
        assert len(caught) == 1
        assert listing.withdrawn is not None
        plan = ReadPlan(("url", "width"), withdrawn=listing.withdrawn)
        assert sum(batch.num_rows for _, batch in read_shard(listing.shards[0], plan)) > 0
    new = local(tmp_path, "a.parquet", NEW)
    with pytest.warns(UserWarning, match="withdrawn") as caught:  # whatever the file's place among the others
        listing = list_source(files=[new, new, by_columns])
    assert (listing.withdrawn is not None, len(caught)) == (True, 1)


def test_files_named_as_before_a_re_release_are_marked_unless_the_release_is_named(tmp_path: Path) -> None:
    """Nobody published whether today's shards kept those names, so the user has to say."""
    old_name = local(tmp_path, "part-00003-2256f782-126f-4dc6-b9c6-e6757637749d-c000.snappy.parquet", NEW)
    with pytest.warns(UserWarning, match=r"load_dataset\('relaion-coco', data_files=…\)"):
        assert list_source(files=old_name).withdrawn == "relaion-coco before its re-release"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list_source(find_release("relaion-coco"), files=old_name).withdrawn is None


def test_files_named_as_a_withdrawn_release_are_marked(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="laion2B-en"):
        listing = list_source(find_release("laion2B-en"), files=local(tmp_path, "mine.parquet", NEW))
    assert listing.withdrawn == "laion2B-en"


def test_columns_cannot_be_hidden_by_mapping_them(tmp_path: Path, hub: LoopbackHub) -> None:
    hub.add_repository("me/my-set", {"a.parquet": NEW, "b.parquet": OLD})
    listing = list_source("me/my-set")
    assert listing.withdrawn is None  # only the first remote shard is looked at when listing …
    plan = ReadPlan(("url",), column_mapping={"url": "URL"})
    with pytest.raises(WithdrawnRelease, match="columns of"):  # … the others when they are read
        list(read_shard(listing.shards[1], plan))
    hub.add_repository("me/raw", {"a.parquet": OLD})
    with pytest.warns(UserWarning, match="withdrawn"):
        assert list_source("me/raw").withdrawn is not None


def test_files_that_are_not_withdrawn_are_not_marked(tmp_path: Path) -> None:
    pq.write_table(pa.table({"URL": ["https://h.example/1"], "TEXT": ["t"]}), tmp_path / "pairs.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list_source(files=tmp_path).withdrawn is None
        assert list_source(files=local(tmp_path, "new.parquet", NEW)).withdrawn is None


def test_a_shard_says_where_it_is_without_a_token() -> None:
    assert set(Shard.__dataclass_fields__) == {"url", "split", "size", "tail"}
