"""Nothing that belongs to the user reaches an image host: what is planted everywhere is seen nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from hostile_host import HostileHost, answer, picture, redirect

SECRET = "PLANTED-hf_secret"
FETCH = textwrap.dedent(
    """
    import sys
    from laion_pairs.images import DownloadPolicy, fetch_image
    policy = DownloadPolicy(allow_private=True, contact="operator@example.org")
    for url in sys.argv[1:]:
        print(fetch_image(url, policy).outcome)
    """
)


def plant(home, proxy_port: int) -> dict[str, str]:
    """A user's environment and home directory with a secret in every place that HTTP clients look at."""
    netrc = f"machine 127.0.0.1 login {SECRET} password {SECRET}\ndefault login {SECRET} password {SECRET}\n"
    for name in (".netrc", "_netrc"):
        (home / name).write_text(netrc)
        (home / name).chmod(0o600)
    (home / ".curlrc").write_text(f'user = "{SECRET}:x"\nheader = "X-Planted: {SECRET}"\ncookie = "a={SECRET}"\n')
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text(SECRET)
    (home / "cookies.txt").write_text(f"127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{SECRET}\n")
    proxy = f"http://{SECRET}:{SECRET}@127.0.0.1:{proxy_port}"
    names = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "ws_proxy")
    return {
        **os.environ,
        "HOME": str(home),
        "CURL_HOME": str(home),
        "USERPROFILE": str(home),
        "NETRC": str(home / ".netrc"),
        "HF_TOKEN": SECRET,
        "HUGGING_FACE_HUB_TOKEN": SECRET,
        "HF_HOME": str(home / ".cache" / "huggingface"),
        "AWS_SECRET_ACCESS_KEY": SECRET,
        **dict.fromkeys(names, proxy),
        **dict.fromkeys((name.upper() for name in names), proxy),
        "no_proxy": "",
        "NO_PROXY": "",
    }


def test_planted_secrets_are_seen_nowhere(tmp_path):
    png = answer(200, picture(), f"Set-Cookie: seen={SECRET}; Path=/")
    with HostileHost() as proxy, HostileHost({"/a": png}) as host:
        host.routes["/r"] = redirect(
            "/a", 302, f"Set-Cookie: seen={SECRET}; Path=/", 'WWW-Authenticate: Basic realm="x"'
        )
        host.routes["/auth"] = answer(401, b"", 'WWW-Authenticate: Basic realm="x"', "WWW-Authenticate: Negotiate")
        env = plant(tmp_path, proxy.port)
        urls = [host.url("/a"), host.url("/r"), host.url("/a"), host.url("/auth")]
        run = subprocess.run([sys.executable, "-c", FETCH, *urls], env=env, capture_output=True, text=True, timeout=60)
        assert run.stdout.split() == ["ok", "ok", "ok", "http_client_error"], run.stderr
        assert proxy.connections == 0
        assert SECRET.encode() not in host.received
        headers = {line.split(b":")[0].lower() for line in host.received.split(b"\r\n") if b":" in line}
        assert headers == {b"host", b"user-agent", b"accept", b"accept-encoding"}
        assert b"User-Agent: laion-dataset/" in host.received
        assert b"operator@example.org" in host.received
        assert b"Accept-Encoding: identity\r\n" in host.received
        assert host.requests[0] == "GET /a HTTP/1.1"
