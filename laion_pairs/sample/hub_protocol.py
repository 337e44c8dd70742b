"""The Hub's wire protocol for reading datasets, as pure functions from a repository and a request to an answer.

Written from what ``huggingface_hub`` sends and expects (0.30 to 2.4: ``hf_api.py``, ``hf_file_system.py``,
``file_download.py``, ``utils/_http.py``). The routes::

    GET  /api/datasets/{id}[/revision/{rev}]                 ?blobs
    GET  /api/datasets/{id}/tree/{rev}[/{path}]              ?recursive &expand &limit &cursor
    POST /api/datasets/{id}/paths-info/{rev}                 paths=…, expand
    GET  /api/datasets/{id}/commits/{rev}                    ?limit &p
    GET  /api/datasets/{id}/refs
    GET, HEAD /datasets/{id}/resolve/{rev}/{path}            Range

Errors carry ``X-Error-Code`` and ``X-Error-Message``, which is all that the clients look at. No answer carries an
``X-Xet-*`` header, so the clients use plain HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from laion_pairs.sample.loopback import Answer, Request
from laion_pairs.sample.repository import Commit, Folder, Repository, StoredFile

__all__ = [
    "PAGE_ENTRIES",
    "commits",
    "error",
    "file_content",
    "info",
    "json_answer",
    "paths_info",
    "refs",
    "tree",
]

PAGE_ENTRIES = 1000  # the Hub's page of a tree; 50 where the last commit of each entry is asked for
PAGE_ENTRIES_EXPANDED = 50
TRUE = ("1", "true", "True")


def json_answer(data: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """A JSON answer."""
    head = (("Content-Type", "application/json; charset=utf-8"), *headers)
    return Answer(status, head, json.dumps(data).encode())


def error(status: int, code: str | None, message: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """An error as the Hub sends it; ``code`` is its X-Error-Code, such as ``RepoNotFound``."""
    head = [("X-Error-Message", message), *headers]
    if code:
        head.append(("X-Error-Code", code))
    return json_answer({"error": message}, status, head)


def info(repository: Repository, commit: Commit, *, blobs: bool) -> Answer:
    """What ``HfApi.dataset_info`` reads; open to everybody on a gated repository too."""
    siblings: list[dict[str, Any]] = []
    for path, file in sorted(commit.files.items()):
        line: dict[str, Any] = {"rfilename": path}
        if blobs:
            line |= {"size": file.size, "blobId": file.blob_id}
            if file.is_lfs:
                pointer_bytes = file.entry()["lfs"]["pointerSize"]  # type: ignore[index]
                line["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer_bytes}
        siblings.append(line)
    return json_answer(
        {
            "_id": commit.commit_id[:24],
            "id": repository.repo_id,
            "author": repository.repo_id.split("/")[0],
            "sha": commit.commit_id,
            "createdAt": repository.commits[0].date_text,
            "lastModified": commit.date_text,
            "private": repository.private,
            "gated": repository.gated,
            "disabled": repository.disabled,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }
    )


def tree(repository: Repository, commit: Commit, revision: str, folder: str, request: Request, origin: str) -> Answer:
    """A folder's listing, in pages with a ``Link: …; rel="next"`` header as the Hub's."""
    if folder and not isinstance(commit.find(folder), Folder):
        return error(404, "EntryNotFound", f'{folder} does not exist on "{revision}"')
    expand = _flag(request, "expand")
    entries = commit.listing(folder, recursive=_flag(request, "recursive"))
    most = PAGE_ENTRIES_EXPANDED if expand else PAGE_ENTRIES
    limit = max(1, min(most, int(request.query.get("limit", [str(most)])[0])))
    start = int(request.query.get("cursor", ["0"])[0])
    page = [_entry(repository, commit, entry, expand) for entry in entries[start : start + limit]]
    headers = []
    if start + limit < len(entries):
        query = {key: values[0] for key, values in request.query.items()} | {"cursor": str(start + limit)}
        headers.append(("Link", f'<{origin}{request.path}?{urlencode(query)}>; rel="next"'))
    return json_answer(page, headers=headers)


def paths_info(repository: Repository, commit: Commit, request: Request) -> Answer:
    """The entries of the given paths; a path that is missing is left out, as on the Hub."""
    if request.headers.get("content-type", "").startswith("application/json"):
        fields: dict[str, Any] = json.loads(request.body or b"{}")
        paths, expand = fields.get("paths", []), bool(fields.get("expand"))
    else:
        form = parse_qs(request.body.decode(), keep_blank_values=True)
        paths, expand = form.get("paths", []), form.get("expand", ["false"])[0] in TRUE
    found = [commit.find(path) for path in paths]
    return json_answer([_entry(repository, commit, entry, expand) for entry in found if entry is not None])


def commits(repository: Repository, commit: Commit, request: Request, origin: str) -> Answer:
    """The history, last commit first, in pages."""
    limit = int(request.query.get("limit", ["50"])[0])
    page = int(request.query.get("p", ["0"])[0])
    history = repository.history(commit)
    lines = [
        {
            "id": old.commit_id,
            "title": old.title,
            "message": "",
            "authors": [{"user": repository.repo_id.split("/")[0]}],
            "date": old.date_text,
        }
        for old in history[page * limit : (page + 1) * limit]
    ]
    headers = []
    if (page + 1) * limit < len(history):
        headers.append(("Link", f'<{origin}{request.path}?{urlencode({"p": page + 1, "limit": limit})}>; rel="next"'))
    return json_answer(lines, headers=headers)


def refs(repository: Repository) -> Answer:
    """Branches and tags."""

    def lines(names: dict[str, str], kind: str) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit_id} for name, commit_id in names.items()
        ]

    answer = {"branches": lines(repository.branches, "heads"), "tags": lines(repository.tags, "tags"), "converts": []}
    return json_answer(answer | {"pullRequests": []})


def file_content(commit: Commit, path: str, request: Request) -> Answer:
    """A file's bytes, whole or the range asked for."""
    file = commit.find(path)
    if not isinstance(file, StoredFile):
        return error(404, "EntryNotFound", "Entry not found", [("X-Repo-Commit", commit.commit_id)])
    name = path.rsplit("/", 1)[-1]
    headers = [
        ("Content-Type", "text/plain; charset=utf-8" if not file.is_lfs else "application/octet-stream"),
        ("X-Repo-Commit", commit.commit_id),
        ("ETag", f'"{file.etag}"'),
        ("Accept-Ranges", "bytes"),
        ("Content-Disposition", f"inline; filename*=UTF-8''{quote(name)}; filename=\"{_plain(name)}\";"),
    ]
    if file.is_lfs:
        headers += [("X-Linked-Size", str(file.size)), ("X-Linked-ETag", f'"{file.etag}"')]
    wanted = request.headers.get("range")
    part = parse_range(wanted, file.size) if wanted else None
    if part is None:
        return Answer(200, tuple(headers), file.content)
    start, stop = part
    if start >= stop:
        return Answer(416, (*headers, ("Content-Range", f"bytes */{file.size}")))
    headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{file.size}"))
    return Answer(206, tuple(headers), file.content, start=start, stop=stop)


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """``bytes=a-b``, ``bytes=a-`` or ``bytes=-n`` as (start, stop); None for what is ignored.

    A part with ``start >= stop`` cannot be satisfied.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else (size, size)
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def _entry(repository: Repository, commit: Commit, entry: StoredFile | Folder, expand: bool) -> dict[str, object]:
    line = entry.entry()
    if expand:
        last = commit
        for old in repository.history(commit):
            if old.find(entry.path) != entry:
                break
            last = old
        line["lastCommit"] = {"id": last.commit_id, "title": last.title, "date": last.date_text}
    return line


def _flag(request: Request, name: str) -> bool:
    return request.query.get(name, ["false"])[0] in TRUE


def _plain(name: str) -> str:
    return re.sub(r'[^\x20-\x7e]|["\\]', "_", name)
