"""The sample that ships with laion-dataset, served on loopback: at the same ports whenever a run goes on.

Its URLs, and so its commit, hold the ports, and a stream's state belongs to one commit. A process of its own serves it,
which ends with the run, however that ends: DataLoader workers that outlive a kill would keep the ports otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from laion_pairs.sample import ImageHost, LoopbackHub, Sample

__all__ = ["serve_sample_at"]

LOOK_EVERY_S = 0.1
PORTS_FREE_WITHIN_S = 20.0
"""A server whose run was killed needs a moment to see it."""


def serve_sample_at(folder: Path, cleanup: ExitStack) -> str:
    """Serve the sample until ``cleanup`` closes, point this process at its Hub, and return its repository's id.

    Call it before ``datasets`` is imported, which reads HF_ENDPOINT once. The ports are kept in ``folder``.

    Raises:
        OSError: somebody else has the ports with which the run in ``folder`` began.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, str(folder / "sample-ports.json")]
    server = cleanup.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))  # noqa: S603 (ourselves)
    cleanup.callback(server.terminate)
    said = json.loads((server.stdout and server.stdout.readline()) or '{"error": "The sample could not be served."}')
    if "error" in said:
        raise OSError(said["error"])
    os.environ.update(said["environment"])
    return str(said["repo_id"])


def serve_while_parent_lives(file: Path) -> None:
    """Serve; say on one line of stdout where, or why not; end when whoever started this is gone, or ends it."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which needs the sample until it has ended
    with ExitStack() as cleanup:
        print(json.dumps(_serve(file, cleanup)), flush=True)
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)


def _serve(file: Path, cleanup: ExitStack) -> dict[str, Any]:
    ports = json.loads(file.read_text()) if file.exists() else {"hub": 0, "images": 0}
    until = time.monotonic() + PORTS_FREE_WITHIN_S
    while True:
        try:
            with ExitStack() as opening:
                hub = opening.enter_context(LoopbackHub(port=ports["hub"]))
                sample = Sample(hub)
                sample.images = ImageHost(port=ports["images"])
                opening.enter_context(sample)
                cleanup.push(opening.pop_all())
            break
        except OSError as error:
            if time.monotonic() > until:
                asked = f"{file.parent} was begun with the sample at the ports {ports['hub']} and {ports['images']}"
                return {"error": f"{asked}, and somebody has them ({error.strerror}); begin in another --output."}
            time.sleep(LOOK_EVERY_S)
    urls = {"hub": hub.endpoint, "images": sample.images.base_url}
    file.write_text(json.dumps({name: int(url.rsplit(":", 1)[1]) for name, url in urls.items()}))
    return {"environment": sample.environment, "repo_id": sample.repo_id}


if __name__ == "__main__":
    serve_while_parent_lives(Path(sys.argv[1]))
