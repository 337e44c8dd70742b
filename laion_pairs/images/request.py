"""How one request is set up on a libcurl handle: what is sent, what can never be, and what libcurl itself limits.

A handle starts from libcurl's defaults and is given everything explicitly. No cookie engine, no netrc, no referer,
no credentials, no proxy (also none from the environment), no HSTS or Alt-Svc memory, no redirect that libcurl would
follow by itself, HTTP/1.1 only, certificates verified against certifi's bundle.
"""

from __future__ import annotations

from functools import lru_cache

import certifi
import pycurl

from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.url_check import CheckedUrl

__all__ = ["ask_for", "new_handle"]

_ACCEPT_ENCODING = "Accept-Encoding: identity"
_ACCEPT = "Accept: image/jpeg, image/png, image/webp, image/gif, image/bmp, */*;q=0.1"
_RECEIVE_BUFFER_BYTES = 256 * 2**10
"""One buffer a loop, whatever is in flight: most pictures arrive in a piece or two, which are not copied again."""


def new_handle(policy: DownloadPolicy) -> pycurl.Curl:
    """A handle with everything set that all requests under ``policy`` share; it may serve one after the other."""
    curl = pycurl.Curl()
    setopt = curl.setopt
    setopt(pycurl.PATH_AS_IS, 1)
    setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    setopt(pycurl.HTTP09_ALLOWED, 0)
    setopt(pycurl.FOLLOWLOCATION, 0)
    setopt(pycurl.NOSIGNAL, 1)
    # What is sent
    setopt(pycurl.HTTPGET, 1)
    setopt(pycurl.USERAGENT, policy.user_agent)
    setopt(pycurl.HTTPHEADER, [_ACCEPT, _ACCEPT_ENCODING])
    # What can never be sent
    setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
    setopt(pycurl.PROXY, "")  # none, also where the environment names one
    # Trust
    setopt(pycurl.SSL_VERIFYPEER, 1)
    setopt(pycurl.SSL_VERIFYHOST, 2)
    setopt(pycurl.CAINFO, _ca_bundle())
    setopt(pycurl.BUFFERSIZE, _RECEIVE_BUFFER_BYTES)
    setopt(pycurl.DNS_CACHE_TIMEOUT, 0)  # libcurl walks its whole cache for every request, a quarter of all CPU time
    return curl


def ask_for(curl: pycurl.Curl, url: CheckedUrl, *, connect_s: float, fresh: bool) -> None:
    """Set what differs between requests; the callbacks and the other time limits are :mod:`transfer`'s.

    Args:
        connect_s: seconds for the name, the connection and the TLS handshake.
        fresh: do not take a connection that is kept alive, so that the dialled address is judged again.
    """
    curl.setopt(pycurl.URL, url.text)
    curl.setopt(pycurl.FRESH_CONNECT, int(fresh))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(connect_s * 1000)))


@lru_cache(maxsize=1)
def _ca_bundle() -> str:
    return certifi.where()
