"""How one fetch ended: a closed list of words, each with its meaning and whether another try can help."""

from __future__ import annotations

from enum import Enum

__all__ = ["Outcome"]


class Outcome(str, Enum):
    """How one fetch ended. ``Outcome("timed_out")``, ``outcome.value``, ``outcome.retryable``, ``outcome.meaning``.

    The value is the lower-case name, as the command line and the ledger write it.
    ``retryable`` says whether the same request, later, can end differently; it is never true for a refusal
    (FORBIDDEN_ADDRESS, OPTED_OUT, TAKEN_DOWN, WITHDRAWN).
    """

    meaning: str
    retryable: bool

    def __new__(cls, value: str, retryable: bool, meaning: str) -> Outcome:
        member = str.__new__(cls, value)
        member._value_ = value
        member.retryable = retryable
        member.meaning = meaning
        return member

    OK = ("ok", False, "the image was fetched and decodes")
    DNS_FAILED = ("dns_failed", True, "the host name has no address")
    CONNECT_FAILED = ("connect_failed", True, "the host did not accept a connection, or dropped it")
    TLS_FAILED = ("tls_failed", True, "the TLS handshake failed or the certificate is not valid")
    TIMED_OUT = ("timed_out", True, "no connection, first byte or complete answer within the policy's time limits")
    TOO_SLOW = ("too_slow", True, "the answer came below the policy's minimum rate")
    TOO_LARGE = ("too_large", False, "the body is larger than the policy allows")
    TOO_MANY_PIXELS = ("too_many_pixels", False, "the image has more pixels than the policy allows")
    TOO_MANY_REDIRECTS = ("too_many_redirects", False, "more redirects than the policy allows")
    HTTP_CLIENT_ERROR = ("http_client_error", False, "the host answered 4xx: the image is gone or never was there")
    HTTP_SERVER_ERROR = ("http_server_error", True, "the host answered 5xx, or not with HTTP")
    RATE_LIMITED = ("rate_limited", True, "the host asked for a pause: 429, or 503 with Retry-After")
    FORBIDDEN_ADDRESS = ("forbidden_address", False, "the host's address or port is not one the policy allows")
    BAD_URL = ("bad_url", False, "not a URL that is fetched: not http or https, or malformed")
    NOT_AN_IMAGE = ("not_an_image", False, "the body is none of the image formats that are decoded")
    CORRUPT_IMAGE = ("corrupt_image", False, "the body starts like an image but does not decode")
    OPTED_OUT = ("opted_out", False, "the host reserves the image against data mining, in a machine-readable way")
    TAKEN_DOWN = ("taken_down", False, "an active takedown list names the pair, its URL or its image")
    WITHDRAWN = ("withdrawn", False, "the pair comes from a withdrawn release that has not been cleaned")
    DIGEST_MISMATCH = ("digest_mismatch", False, "the bytes are not the ones that the release describes")
    TOO_SMALL = ("too_small", False, "the image is smaller than asked for")
    BAD_ASPECT_RATIO = ("bad_aspect_ratio", False, "the image is longer or narrower than asked for")

    def __str__(self) -> str:
        return str(self.value)
