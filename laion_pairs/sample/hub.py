"""A Hub on loopback: real HTTP, real protocol, so that the real clients read from it unchanged.

``huggingface_hub`` and ``datasets`` are pointed at it by ``HF_ENDPOINT`` (before they are imported) or ``endpoint=``.
It serves datasets only, and never opens a connection itself::

    with LoopbackHub() as hub:
        hub.add_repository("someone/pairs", {"README.md": "# Pairs", "data.parquet": Path("data.parquet")})
        HfApi(endpoint=hub.endpoint).list_repo_files("someone/pairs", repo_type="dataset")
        hub.requests(method="GET")  # what was asked, with which token, how many bytes were sent
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from laion_pairs.sample import hub_protocol
from laion_pairs.sample.loopback import Answer, LoopbackServer, Request
from laion_pairs.sample.repository import Commit, Repository

__all__ = ["LoopbackHub"]

API = ["api", "datasets"]


class LoopbackHub(LoopbackServer):
    """A Hugging Face Hub on 127.0.0.1 that serves the dataset repositories it is given.

    Tokens: a token that no repository and no ``users`` entry knows is refused with 401, as on the Hub.
    ``fail(status, …)`` makes the next matching requests fail.
    """

    def __init__(self, users: Mapping[str, str] | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1",), port)
        self.users = dict(users or {})
        self.repositories: dict[str, Repository] = {}
        self.former_ids: dict[str, str] = {}
        self._failures: list[_Failure] = []

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is set to."""
        return self.url_of("127.0.0.1")

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the clients use this Hub and nothing else: set them before the import."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # datasets' HEAD to S3 for each load
            "USE_PARQUET_EXPORT": "0",  # datasets 3's question to datasets-server.<endpoint>
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def add_repository(
        self,
        repo_id: str,
        files: Mapping[str, bytes | str | Path],
        *,
        private: bool = False,
        gated: bool | Literal["auto", "manual"] = False,
        disabled: bool = False,
        readers: Iterable[str] = (),
        former_ids: Iterable[str] = (),
        date: datetime | None = None,
        title: str = "initial commit",
    ) -> Repository:
        """Create a dataset repository with a first commit.

        Args:
            repo_id: ``namespace/name``.
            files: path in the repository → content; a Path is read when it is served.
            private: hidden from tokens that are not in ``readers``.
            gated: files (not the listing) only for ``readers``; True means "auto".
            disabled: taken down: everything answers 403.
            readers: tokens with access.
            former_ids: ids that redirect here, as after a rename.
            date: of the first commit.

        Further commits: ``repository.add_commit(files, date=…)``.
        """
        repository = Repository(
            repo_id,
            private=private,
            gated="auto" if gated is True else gated,
            disabled=disabled,
            readers=frozenset(readers),
        )
        repository.add_commit(files, title=title, date=date)
        for token in repository.readers:
            self.users.setdefault(token, "reader")
        self.repositories[repo_id] = repository
        self.former_ids.update(dict.fromkeys(former_ids, repo_id))
        return repository

    def fail(
        self,
        status: int,
        *,
        times: int = 1,
        path_contains: str = "",
        delay_s: float = 0.0,
        retry_after_s: int | None = None,
    ) -> None:
        """Answer the next ``times`` requests whose path contains the text with a bare error: a Hub in trouble."""
        headers = (("Retry-After", str(retry_after_s)),) if retry_after_s is not None else ()
        answer = Answer(status, (("Content-Type", "text/plain"), *headers), b"The Hub is in trouble.", delay_s=delay_s)
        self._failures.append(_Failure(path_contains, times, answer))

    def reset(self) -> None:
        """Forget every repository, user, failure and logged request; the address stays."""
        self.repositories.clear()
        self.former_ids.clear()
        self.users.clear()
        self._failures.clear()
        self.forget()

    def answer(self, request: Request) -> Answer:
        """Route one request."""
        for failure in self._failures:
            if failure.takes(request.path):
                return failure.answer
        token = request.bearer_token
        if token is not None and token not in self.users:
            return hub_protocol.error(401, None, "Invalid credentials in Authorization header")
        segments = request.segments
        if segments == ["api", "whoami-v2"]:
            return self._whoami(token)
        if segments[:2] == API and len(segments) >= 4:
            return self._api("/".join(segments[2:4]), segments[4:], request)
        if segments[:1] == ["datasets"] and len(segments) >= 6 and segments[3] == "resolve":
            return self._resolve("/".join(segments[1:3]), segments[4], "/".join(segments[5:]), request)
        return hub_protocol.error(404, "RepoNotFound", "Repository not found")

    def _api(self, repo_id: str, rest: list[str], request: Request) -> Answer:
        found = self._repository(repo_id, request)
        if isinstance(found, Answer):
            return found
        if rest == ["refs"]:
            return hub_protocol.refs(found)
        if rest == ["auth-check"]:
            gated = found.gated and request.bearer_token not in found.readers
            return self._gated(found, request.bearer_token) if gated else hub_protocol.json_answer({})
        kind = rest[0] if rest else "revision"
        revision = rest[1] if len(rest) > 1 else "main"
        commit = self._commit(found, revision)
        if isinstance(commit, Answer):
            return commit
        if kind == "revision":
            return hub_protocol.info(found, commit, blobs="blobs" in request.query)
        if kind == "tree":
            return hub_protocol.tree(found, commit, revision, "/".join(rest[2:]), request, self.endpoint)
        if kind == "paths-info" and request.method == "POST":
            return hub_protocol.paths_info(found, commit, request)
        if kind == "commits":
            return hub_protocol.commits(found, commit, request, self.endpoint)
        return hub_protocol.error(404, None, f"This loopback Hub has no {request.method} {request.path}")

    def _resolve(self, repo_id: str, revision: str, path: str, request: Request) -> Answer:
        found = self._repository(repo_id, request)
        if isinstance(found, Answer):
            return found
        if found.gated and request.bearer_token not in found.readers:
            return self._gated(found, request.bearer_token)
        commit = self._commit(found, revision)
        return commit if isinstance(commit, Answer) else hub_protocol.file_content(commit, path, request)

    def _repository(self, repo_id: str, request: Request) -> Repository | Answer:
        """The repository of that id that this token may see, or the redirect or error that stands for it."""
        if repo_id not in self.repositories and repo_id in self.former_ids:
            target = request.path.replace(f"/{repo_id}", f"/{self.former_ids[repo_id]}", 1)
            if request.query:
                target += "?" + urlencode({key: values[0] for key, values in request.query.items()})
            return Answer(307, (("Location", target), ("Content-Type", "text/plain")), b"Temporary Redirect")
        found = self.repositories.get(repo_id)
        token = request.bearer_token
        if found is None or (found.private and token not in found.readers):
            if token is None:  # the Hub does not tell strangers what exists
                return hub_protocol.error(401, "RepoNotFound", "Invalid username or password.")
            return hub_protocol.error(404, "RepoNotFound", "Repository not found")
        if found.disabled:
            return hub_protocol.error(403, None, "Access to this resource is disabled.")
        return found

    def _commit(self, repository: Repository, revision: str) -> Commit | Answer:
        found = repository.find(revision)
        return found or hub_protocol.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def _gated(self, repository: Repository, token: str | None) -> Answer:
        name = f"dataset {repository.repo_id}"
        if token is None:
            message = f"Access to {name} is restricted. You must have access to it and be authenticated to access it."
            return hub_protocol.error(401, "GatedRepo", f"{message} Please log in.")
        page = f"{self.endpoint}/datasets/{repository.repo_id}"
        message = f"Access to {name} is restricted and you are not in the authorized list."
        return hub_protocol.error(403, "GatedRepo", f"{message} Visit {page} to ask for access.")

    def _whoami(self, token: str | None) -> Answer:
        if token is None:
            return hub_protocol.error(401, None, "Invalid username or password.")
        name = self.users[token]
        access = {"accessToken": {"displayName": "loopback", "role": "read"}, "type": "access_token"}
        return hub_protocol.json_answer({"type": "user", "id": name, "name": name, "orgs": [], "auth": access})


class _Failure:
    """The next requests that fail on purpose."""

    def __init__(self, path_contains: str, times: int, answer: Answer) -> None:
        self.path_contains, self.times, self.answer = path_contains, times, answer

    def takes(self, path: str) -> bool:
        if self.times > 0 and self.path_contains in path:
            self.times -= 1
            return True
        return False
