"""What libcurl's error codes mean for a fetch. Its own error texts are not used: they may quote what a host sent."""

from __future__ import annotations

import pycurl

from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["refusal_of"]

_MEANINGS: dict[int, tuple[Outcome, str]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: (Outcome.HTTP_SERVER_ERROR, "the host did not answer with HTTP/1"),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: (Outcome.HTTP_SERVER_ERROR, "the host's answer is not valid HTTP"),  # 8, HTTP too
    pycurl.E_URL_MALFORMAT: (Outcome.BAD_URL, "the URL cannot be requested"),
    pycurl.E_COULDNT_RESOLVE_HOST: (Outcome.DNS_FAILED, "the host name has no address"),
    pycurl.E_COULDNT_CONNECT: (Outcome.CONNECT_FAILED, "the host did not accept a connection"),
    pycurl.E_PARTIAL_FILE: (Outcome.CONNECT_FAILED, "the host dropped the connection before the end of the body"),
    pycurl.E_GOT_NOTHING: (Outcome.CONNECT_FAILED, "the host closed the connection without an answer"),
    pycurl.E_SEND_ERROR: (Outcome.CONNECT_FAILED, "the host dropped the connection"),
    pycurl.E_RECV_ERROR: (Outcome.CONNECT_FAILED, "the host dropped the connection"),
    pycurl.E_OPERATION_TIMEDOUT: (Outcome.TIMED_OUT, "no connection or no complete answer within the time limits"),
    **dict.fromkeys(
        (
            pycurl.E_SSL_CONNECT_ERROR,
            pycurl.E_SSL_PEER_CERTIFICATE,  # 60, also the name for a certificate that does not verify
            pycurl.E_SSL_CIPHER,
            pycurl.E_SSL_CERTPROBLEM,
            pycurl.E_SSL_ISSUER_ERROR,
            pycurl.E_SSL_INVALIDCERTSTATUS,
            pycurl.E_SSL_PINNEDPUBKEYNOTMATCH,
            pycurl.E_SSL_SHUTDOWN_FAILED,
            pycurl.E_USE_SSL_FAILED,
        ),
        (Outcome.TLS_FAILED, "the TLS handshake failed or the certificate is not valid"),
    ),
}
_OURS = frozenset({pycurl.E_SSL_CACERT_BADFILE, pycurl.E_OUT_OF_MEMORY, pycurl.E_FAILED_INIT})
"""Codes that no host can cause: they are this machine's trouble, and raised as what they are."""


def refusal_of(code: int) -> Refused:
    """The refusal that stands for libcurl's error ``code``; an unknown code is a connection that failed.

    Raises ``OSError`` for codes that no host can cause, such as a certificate bundle that cannot be read.
    """
    if code in _OURS:
        raise OSError(f"libcurl cannot work on this machine (error {code}): check its CA bundle (certifi) and memory.")
    outcome, meaning = _MEANINGS.get(code, (Outcome.CONNECT_FAILED, "the connection failed"))
    return Refused(outcome, f"{meaning} (libcurl error {code}).")
