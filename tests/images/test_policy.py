"""The policy's defaults are the documented ones, and impossible limits are refused with a sentence."""

from __future__ import annotations

import pickle
import re

import pytest

import laion_pairs
from laion_pairs.errors import PolicyError
from laion_pairs.images import DownloadPolicy


def test_defaults():
    policy = DownloadPolicy()
    assert (policy.connect_timeout_s, policy.first_byte_timeout_s, policy.total_timeout_s) == (5, 10, 20)
    assert policy.max_body_bytes == 20 * 1024 * 1024
    assert policy.max_redirects == 5
    assert policy.max_pixels == 89_478_484
    assert policy.allowed_ports == (80, 443)
    assert policy.allow_private is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_body_bytes", 0),
        ("max_body_bytes", 1.5),
        ("max_body_bytes", True),
        ("max_header_bytes", 0),
        ("max_redirects", -1),
        ("max_pixels", 0),
        ("max_pixels", None),
        ("min_bytes_per_s", -1),
        ("connect_timeout_s", 0),
        ("connect_timeout_s", -1.0),
        ("first_byte_timeout_s", float("nan")),
        ("total_timeout_s", float("inf")),
        ("total_timeout_s", "20"),
        ("min_rate_window_s", 0),
        ("allowed_ports", ()),
        ("allowed_ports", (0,)),
        ("allowed_ports", (65_536,)),
        ("allowed_ports", ("80",)),
        ("allowed_ports", "80"),
        ("allowed_ports", 80),
        ("allow_private", 1),
        ("allow_private", "yes"),
        ("contact", "me at example.org"),
        ("contact", "me@example.org\r\nCookie: a=b"),
        ("contact", "a;b"),
        ("contact", "(x)"),
        ("contact", "ü@example.org"),
        ("contact", None),
    ],
)
def test_impossible(field, value):
    with pytest.raises(PolicyError, match=f"^{field} must be .*got {re.escape(repr(value))}"):
        DownloadPolicy(**{field: value})


def test_zero_that_means_something():
    assert DownloadPolicy(max_redirects=0, min_bytes_per_s=0)


def test_frozen_hashable_picklable():
    policy = DownloadPolicy(allowed_ports=[80], contact="https://example.org/crawl?a=b")
    assert policy.allowed_ports == (80,)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(pickle.loads(pickle.dumps(policy)))
    with pytest.raises(AttributeError):
        policy.max_pixels = 1


def test_user_agent_is_honest():
    agent = DownloadPolicy(contact="me@example.org").user_agent
    assert agent.startswith(f"laion-dataset/{laion_pairs.__version__} (+https://")
    assert agent.endswith("; me@example.org)")
    assert "Mozilla" not in agent
