"""Where takedown lists come from: everything that is named arrives, or nothing is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from laion_pairs.errors import TakedownError
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.shards import fetch_takedown_lists
from laion_pairs.takedown import Entry, open_lists, write_list

TOKEN = "hf_reader"
URLS = [f"https://h.example/{n}.jpg" for n in range(4)]


def a_list(folder: Path, name: str, url: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_list(path, [Entry("url", url, "asked")], "v1")
    return path


def content(folder: Path, url: str) -> bytes:
    return a_list(folder, "made.parquet", url).read_bytes()


def named(paths: tuple[str, ...]) -> set[str]:
    lists = open_lists(paths)
    return {url for url in URLS if lists.match_url(url)}


def test_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = a_list(tmp_path, "one.parquet", URLS[0])
    a_list(tmp_path, "lists/two.PARQUET", URLS[1])
    a_list(tmp_path, "lists/.hidden/three.parquet", URLS[2])
    (tmp_path / "lists" / "README.md").write_text("lists")
    assert fetch_takedown_lists(None) == ()
    assert named(fetch_takedown_lists(one)) == {URLS[0]}
    assert named(fetch_takedown_lists([one, tmp_path / "lists", str(one)])) == set(URLS[:3])
    monkeypatch.chdir(tmp_path)
    assert fetch_takedown_lists("lists/../one.parquet") == (str(one),)


def test_a_folder_that_cannot_be_looked_into_stops_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_list(tmp_path, "one.parquet", URLS[0])
    a_list(tmp_path, "secret/two.parquet", URLS[1])
    scandir = os.scandir

    def forbidding(path: str):  # root may look into everything, so a mode of 0 would prove nothing
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    with pytest.raises(TakedownError, match="Permission denied"):
        fetch_takedown_lists(tmp_path)


def test_a_link_to_a_folder_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    a_list(tmp_path, "lists/one.parquet", URLS[0])
    (tmp_path / "lists" / "again").symlink_to(tmp_path / "lists", target_is_directory=True)
    with pytest.raises(TakedownError, match="link to a folder, 'again'"):
        fetch_takedown_lists(tmp_path / "lists")


def test_dangling_links_and_pipes_stop_at_the_first_read(tmp_path: Path) -> None:
    (tmp_path / "gone.parquet").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.parquet")
    for name in ("gone.parquet", "pipe.parquet"):
        for source in (tmp_path / name, [tmp_path]):
            with pytest.raises(TakedownError, match="cannot be read"):
                open_lists(fetch_takedown_lists(source))


@pytest.mark.parametrize("source", ["", "gone.parquet", "a/b/c", "./owner/name", "../name", "~nobody/name", "/a/b"])
def test_what_is_not_there(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TakedownError):
        fetch_takedown_lists(source)
    with pytest.raises(TakedownError):
        fetch_takedown_lists([source])
    assert hub.log == [], "the Hub was asked"


def test_an_empty_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(TakedownError, match="no parquet file"):
        fetch_takedown_lists(tmp_path)


def test_a_repository_is_read_at_one_commit(hub: LoopbackHub, tmp_path: Path) -> None:
    first = {"a.parquet": content(tmp_path, URLS[0]), "x/b.parquet": content(tmp_path, URLS[1]), "README.md": "# lists"}
    repository = hub.add_repository("me/lists", first, private=True, readers=[TOKEN])
    old = repository.commits[0].commit_id
    before = fetch_takedown_lists("me/lists", TOKEN)
    assert named(before) == {URLS[0], URLS[1]}
    assert all(old in path for path in before)
    new = repository.add_commit({"a.parquet": content(tmp_path, URLS[2])}).commit_id
    after = fetch_takedown_lists("me/lists", TOKEN)
    assert named(after) == {URLS[1], URLS[2]}
    assert all(new in path for path in after)
    assert named(before) == {URLS[0], URLS[1]}, "what an earlier load names has changed"
    assert fetch_takedown_lists(f"me/lists@{old}", TOKEN) == before
    assert not any(TOKEN in path for path in (*before, *after))


def test_a_list_that_moves_while_it_is_fetched(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing and the download a new commit takes a list away: the old commit is what is delivered."""
    files = {"a.parquet": content(tmp_path, URLS[0]), "b.parquet": content(tmp_path, URLS[1])}
    repository = hub.add_repository("me/moving", files)
    from laion_pairs.shards import takedown_sources

    opened = takedown_sources.open_repository

    def then_push(*arguments):
        found = opened(*arguments)
        repository.add_commit({}, delete=["b.parquet"])
        return found

    monkeypatch.setattr(takedown_sources, "open_repository", then_push)
    assert named(fetch_takedown_lists("me/moving")) == {URLS[0], URLS[1]}


def test_what_the_hub_refuses(hub: LoopbackHub, tmp_path: Path) -> None:
    lists = {"a.parquet": content(tmp_path, URLS[0])}
    hub.add_repository("me/private", lists, private=True, readers=[TOKEN])
    hub.add_repository("me/gated", lists, gated=True, readers=[TOKEN])
    hub.add_repository("me/empty", {"README.md": "# none"})
    for source in ("me/private", "me/gated", "me/empty", "me/nothing", "me/empty@nowhere"):
        with pytest.raises(TakedownError, match=source.partition("@")[0]):
            fetch_takedown_lists(source)
    assert named(fetch_takedown_lists("me/gated", TOKEN)) == {URLS[0]}


def test_a_hub_that_fails_half_way(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.add_repository("me/lists", {"a.parquet": content(tmp_path, URLS[0]), "b.parquet": content(tmp_path, URLS[1])})
    hub.fail(403, times=20, path_contains="b.parquet")
    with pytest.raises(TakedownError, match="cannot be had from the Hub"):
        fetch_takedown_lists("me/lists")
