"""nginx as many loopback hosts with a mix of answers: what a download of a million rows is run against."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import pytest

__all__ = ["FastHost"]

CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 4096; }}
http {{
    access_log off; default_type image/png; keepalive_requests 1000000; open_file_cache max=1000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        {listen}
        location /ok/ {{ root {folder}/pictures; try_files /{file} =404; }}
        location /shy/ {{ add_header X-Robots-Tag noai; root {folder}/pictures; try_files /{file} =404; }}
        location /gone/ {{ return 404; }}
        location /failing/ {{ return 500; }}
        location /page/ {{ return 200 "<!doctype html><title>Sold</title>"; }}
        location /moved/ {{ return 302 /ok/moved; }}
        location /loop/ {{ return 302 /loop/again; }}
    }}
}}
"""


class FastHost:
    """``/ok/…`` is ``picture``; ``/shy/…`` too, but reserved; ``/moved/…`` leads to it; ``/gone/…``, ``/failing/…``,
    ``/page/…`` and ``/loop/…`` are what they say.

    Attributes:
        hosts: every address with the port.
    """

    def __init__(self, folder: Path, picture: bytes, *, n_hosts: int = 64) -> None:
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None:
            pytest.skip("needs nginx (Debian: nginx-light) for a server that is faster than the download")
        addresses = [f"127.0.50.{n}" for n in range(1, n_hosts + 1)]
        with socket.socket() as probe:
            probe.bind((addresses[0], 0))
            port = probe.getsockname()[1]
        (folder / "pictures").mkdir()
        (folder / "pictures" / "a.png").write_bytes(picture)
        config = CONFIG.format(
            folder=folder,
            file="a.png",
            user="user root;" if os.geteuid() == 0 else "",
            listen=" ".join(f"listen {address}:{port} backlog=4096;" for address in addresses),
        )
        (folder / "nginx.conf").write_text(config)
        self.hosts = [f"{address}:{port}" for address in addresses]
        self._command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        self._errors = folder / "error.log"

    def __enter__(self) -> FastHost:
        self._process = subprocess.Popen(self._command)
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            address, _, port = self.hosts[-1].rpartition(":")
            with socket.socket() as probe:
                if probe.connect_ex((address, int(port))) == 0:
                    return self
            assert self._process.poll() is None, self._errors.read_text()
            time.sleep(0.02)
        raise AssertionError("nginx did not start within 20 s")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
