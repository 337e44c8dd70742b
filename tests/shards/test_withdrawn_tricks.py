"""Ways to get at withdrawn data that look like something else."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from relaion_shard import RELEASE, REPO, parquet, s1_table, s8_table, shard_name

from laion_pairs.errors import ShardError, WithdrawnRelease
from laion_pairs.releases import find_release
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.shards import list_source
from laion_pairs.shards.locations import HubPath, parse_hub_path

OLD, NEW = parquet(s1_table(3)), parquet(s8_table(3))
AFTER = datetime(2025, 9, 1, tzinfo=timezone.utc)
ART = "datasets/laion/relaion-art/resolve/0123456/laion-art.parquet"


@pytest.mark.parametrize("branch", ["refs/pr/7", "refs/convert/parquet"])
def test_what_is_not_on_the_main_branch_is_refused_whatever_its_date(hub: LoopbackHub, branch: str) -> None:
    """Anybody can propose the old files to a repository, in a commit of today."""
    repository = hub.add_repository(REPO, {shard_name(): NEW}, date=AFTER)
    proposed = repository.add_commit({shard_name(): OLD}, branch=branch, date=AFTER).commit_id
    repository.add_commit({shard_name(1): NEW}, date=AFTER)
    for revision in (branch, proposed, proposed[:10]):
        with pytest.raises(WithdrawnRelease, match="not a commit of its main branch"):
            list_source(find_release(RELEASE), revision=revision)
        for files in (
            f"hf://datasets/{REPO}@{revision}/{shard_name()}",
            f"{hub.endpoint}/datasets/{REPO}/resolve/{revision.replace('/', '%2F')}/{shard_name()}",
        ):
            with pytest.raises((WithdrawnRelease, ShardError)):
                list_source(files=files)
    assert list_source(find_release(RELEASE), revision=repository.commits[0].commit_id).shards


@pytest.mark.parametrize(
    "address",
    [
        f"https://huggingface.co:443/{ART}",
        f"https://HuggingFace.co./{ART}",
        f"https://me@huggingface.co/{ART}",
        f"https://hugging%66ace.co/{ART}",
        f"https://\uff48uggingface.co/{ART}",
        f"http://hf.co:80/{ART}",
    ],
)
def test_the_hub_is_the_hub_however_it_is_spelled(address: str) -> None:
    assert parse_hub_path(address) == HubPath("laion/relaion-art", "0123456", "laion-art.parquet")


@pytest.mark.parametrize(
    "address",
    [
        f"https://hub-copy.example/{ART}",
        f"https://hub-copy.example//x/..//{ART}",
        "https://hub-copy.example/datasets/laion%252Flaion400m/x.parquet",
        "https://hub-copy.example/datasets/laion/./laion400m/x.parquet",
        "https://datasets-server.example/rows?dataset=laion%2Flaion400m",
        "https://the-eye.eu:443/public//AI/cah/x/../laion400m-met-release/laion400m-meta/x.parquet",
    ],
)
def test_copies_are_refused_however_they_are_spelled(hub: LoopbackHub, address: str) -> None:
    with pytest.raises(WithdrawnRelease):
        list_source(files=address)
    assert hub.log == []


def test_an_address_elsewhere_is_not_taken_for_a_copy() -> None:
    assert parse_hub_path("https://files.example/laion/pairs.parquet") is None


def pairs(path: Path, metadata: dict[bytes, bytes] | None = None) -> str:
    """A file whose columns say nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"URL": ["https://h.example/1"], "TEXT": ["t"]}).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    return str(path)


def test_the_hubs_cache_folder_gives_its_files_away(tmp_path: Path) -> None:
    cache = tmp_path / "hub" / "datasets--laion--laion2B-multi-joined"
    blob = pairs(cache / "blobs" / "0123456789abcdef")
    snapshot = pairs(cache / "snapshots" / "abc" / "data.parquet")
    link = tmp_path / "mine.parquet"
    link.symlink_to(blob)
    for source in (blob, snapshot, str(link), str(cache / "snapshots")):
        with pytest.warns(UserWarning, match="laion2B-multi-joined, which was withdrawn"):
            assert list_source(files=source).withdrawn == "laion2B-multi-joined"
    other = pairs(tmp_path / "hub" / "datasets--me--mine" / "snapshots" / "abc" / "data.parquet")
    assert list_source(files=other).withdrawn is None


def test_our_own_mark_on_saved_rows_is_seen_when_they_are_loaded_again(tmp_path: Path) -> None:
    said = b'{"info": {"features": {"image": {"_type": "RemoteImage", "withdrawn": "laion400m"}}}}'
    with pytest.warns(UserWarning, match="withdrawn"):
        assert list_source(files=pairs(tmp_path / "a.parquet", {b"huggingface": said})).withdrawn == "laion400m"
    for nothing in (b"", b"{", b"[]", b'{"info": {"features": {"image": {"_type": "RemoteImage"}}}}', b'{"info": 3}'):
        assert list_source(files=pairs(tmp_path / "b.parquet", {b"huggingface": nothing})).withdrawn is None
