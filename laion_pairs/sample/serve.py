"""The sample, served: a Hub with one repository and an image host with its pictures, both on loopback.

::

    sample = serve_sample()
    sample.use()                                         # before datasets is imported: its Hub is now this one
    ds = laion_dataset.load_dataset(sample.repo_id, split="train", streaming=True)
    next(iter(ds))["image"].open(sample.policy)
    sample.stop()
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from laion_pairs.errors import HubUnreachable
from laion_pairs.sample.broken_pairs import put_broken_pairs
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.pictures import sample_pictures
from laion_pairs.sample.shards import write_shards

if TYPE_CHECKING:
    from laion_pairs.images import DownloadPolicy

__all__ = ["SAMPLE_REPO_ID", "Sample", "serve_sample"]

SAMPLE_REPO_ID = "laion-dataset/sample"
"""The sample's repository. It exists on the loopback Hub only."""


class Sample:
    """The running servers and what a client needs to know of them. Also a context manager.

    Changes nothing outside itself until :meth:`use` is called.

    Attributes:
        hub: the Hub; its log says what was asked.
        images: the image host; its log counts every request.
        repo_id: the repository's id on this Hub.
    """

    def __init__(self, hub: LoopbackHub | None = None) -> None:
        self.repo_id = SAMPLE_REPO_ID
        self.images = ImageHost()
        self.hub = hub or LoopbackHub()
        self._own_hub = hub is None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def endpoint(self) -> str:
        """The Hub's address, for ``HF_ENDPOINT`` or ``endpoint=``."""
        return self.hub.endpoint

    @property
    def environment(self) -> dict[str, str]:
        """What :meth:`use` sets: the Hub's variables, a home for their caches that :meth:`stop` removes, no token."""
        if self._folder is None:
            raise RuntimeError("the sample is not running; call start() first")
        home = str(Path(self._folder.name) / "hf-home")
        return {
            **self.hub.environment,
            "HF_HOME": home,
            "HF_HUB_CACHE": f"{home}/hub",
            "HF_DATASETS_CACHE": f"{home}/datasets",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # the user's token is for the real Hub
        }

    @property
    def policy(self) -> DownloadPolicy:
        """A download policy for the sample: loopback is allowed, and nobody waits long for a picture from it."""
        from laion_pairs.images import DownloadPolicy  # late: it imports datasets, which reads HF_ENDPOINT once

        return DownloadPolicy(
            allow_private=True,
            connect_timeout_s=2.0,
            first_byte_timeout_s=2.0,
            total_timeout_s=6.0,
            min_rate_window_s=1.0,
            max_body_bytes=4 * 2**20,
        )

    def start(self) -> Sample:
        """Start both servers, write the shards with this run's URLs, and return itself."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="laion-sample-")
            self.images.start()
            self.hub.start()
            for picture in sample_pictures():
                self.images.serve(picture.url_path, picture.path.read_bytes())
            put_broken_pairs(self.images)
            card = resources.files("dataset_card").joinpath("sample.md").read_bytes()
            shards = write_shards(self.images.base_url, Path(self._folder.name) / "shards")
            self.hub.add_repository(self.repo_id, {"README.md": card, **{path.name: path for path in shards}})
        return self

    def use(self) -> Sample:
        """Point this process's Hugging Face clients at the sample's Hub, and return itself.

        They read their environment once, when they are imported, so this comes first.

        Raises:
            HubUnreachable: they were imported before, and talk to another Hub.
        """
        constants = sys.modules.get("huggingface_hub.constants")
        if constants is not None and self.endpoint != constants.ENDPOINT:
            raise HubUnreachable(
                f"The sample's Hub is {self.endpoint}, but huggingface_hub is already imported and talks to "
                f"{constants.ENDPOINT}; restart Python (in a notebook: the kernel) and call use() before the imports."
            )
        os.environ.update(self.environment)
        return self

    def stop(self) -> None:
        """Stop the servers and remove the temporary files. A Hub that was passed in keeps running."""
        self.images.stop()
        if self._own_hub:
            self.hub.stop()
        else:
            self.hub.repositories.pop(self.repo_id, None)
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Sample:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_sample(hub: LoopbackHub | None = None) -> Sample:
    """Start the sample's servers; a context manager, or call ``stop()`` when done.

    Args:
        hub: serve from this running Hub instead of a new one.
    """
    return Sample(hub).start()
