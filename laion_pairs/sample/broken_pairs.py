"""Pairs of the sample that fail on purpose, as links of a real release do: each says so in its caption. No network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from laion_pairs.ledger import Outcome
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.pictures import sample_pictures

__all__ = ["BROKEN_PAIRS", "BrokenPair", "put_broken_pairs"]


@dataclass(frozen=True)
class BrokenPair:
    """One pair that fails: where, its caption, the outcome under the sample's policy, and how the host does it."""

    url_path: str
    caption: str
    outcome: Outcome
    put: Callable[[ImageHost, str, bytes], str]


CLOUD_METADATA = "http://169.254.169.254/latest/meta-data/"  # link-local: no policy lets a picture come from there

BROKEN_PAIRS = (
    BrokenPair(
        "/broken/gone.jpg",
        "A picture that its host has taken away: it answers 410 Gone",
        Outcome.HTTP_CLIENT_ERROR,
        lambda host, path, picture: host.gone(path),
    ),
    BrokenPair(
        "/broken/silent.jpg",
        "A picture whose host takes the request and never answers",
        Outcome.TIMED_OUT,
        lambda host, path, picture: host.silent(path),
    ),
    BrokenPair(
        "/broken/slow.jpg",
        "A picture that comes at ten bytes a second",
        Outcome.TOO_SLOW,
        lambda host, path, picture: host.drip(path, picture, bytes_per_s=10),
    ),
    BrokenPair(
        "/broken/web-page.jpg",
        "A web page that says it is a JPEG",
        Outcome.NOT_AN_IMAGE,
        lambda host, path, picture: host.not_an_image(path),
    ),
    BrokenPair(
        "/broken/cut.jpg",
        "A picture whose file ends half-way",
        Outcome.CORRUPT_IMAGE,
        lambda host, path, picture: host.corrupt(path, picture),
    ),
    BrokenPair(
        "/broken/opted-out.jpg",
        "A picture whose host says X-Robots-Tag: noai",
        Outcome.OPTED_OUT,
        lambda host, path, picture: host.opted_out(path, picture),
    ),
    BrokenPair(
        "/broken/redirect.jpg",
        "A link that redirects to a cloud machine's metadata service",
        Outcome.FORBIDDEN_ADDRESS,
        lambda host, path, picture: host.redirect(path, CLOUD_METADATA),
    ),
    BrokenPair(
        "/broken/huge.jpg",
        "A picture that announces four gigabytes",
        Outcome.TOO_LARGE,
        lambda host, path, picture: host.huge(path),
    ),
    BrokenPair(
        "/broken/trouble.jpg",
        "A picture whose host has a bad day: it answers 500",
        Outcome.HTTP_SERVER_ERROR,
        lambda host, path, picture: host.failing(path),
    ),
)


def put_broken_pairs(host: ImageHost) -> None:
    """Put every broken pair on the host; where a picture is needed, the sample's first JPEG is the one."""
    picture = next(picture for picture in sample_pictures() if picture.format == "JPEG").path.read_bytes()
    for pair in BROKEN_PAIRS:
        pair.put(host, pair.url_path, picture)
