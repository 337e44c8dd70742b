"""The gallery, and a policy without manners, for the tests of streams."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gallery import Gallery

from laion_pairs.images import DownloadPolicy


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    with Gallery() as host:
        yield host


@pytest.fixture(scope="session")
def hurry() -> DownloadPolicy:
    """Loopback may be asked, as fast as it can answer, once."""
    return DownloadPolicy(
        allow_private=True, host_interval_s=0.0, requests_per_host=64, max_retries=0, stop_after_failures=0
    )
