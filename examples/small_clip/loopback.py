"""The sample that ships with laion-dataset, served from loopback at the same ports whenever a run goes on.

Its URLs, and so its commit, hold the ports; a stream's state belongs to one commit.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

from laion_pairs.sample import ImageHost, LoopbackHub, Sample

__all__ = ["serve_sample_at"]


def serve_sample_at(folder: Path, cleanup: ExitStack) -> str:
    """Serve the sample until ``cleanup`` closes, point this process at its Hub, and return its repository's id."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sample-ports.json"
    ports = json.loads(file.read_text()) if file.exists() else {"hub": 0, "images": 0}
    try:
        hub = cleanup.enter_context(LoopbackHub(port=ports["hub"]))
        sample = Sample(hub)
        sample.images = ImageHost(port=ports["images"])
        cleanup.enter_context(sample)
    except OSError as error:
        raise OSError(
            f"{folder} was begun with the sample at the ports {ports['hub']} and {ports['images']} of this machine, "
            f"and they are taken ({error.strerror}); free them, or begin in another --output."
        ) from error
    addresses = {"hub": hub.endpoint, "images": sample.images.base_url}
    file.write_text(json.dumps({name: int(url.rsplit(":", 1)[1]) for name, url in addresses.items()}))
    return sample.use().repo_id
