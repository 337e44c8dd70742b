"""When more fails than the links can be blamed for, one sentence says why; when not, none does."""

from __future__ import annotations

import pytest

from laion_pairs.ledger import Outcome, likely_cause

USUAL = {"ok": 740, "http_client_error": 120, "dns_failed": 60, "timed_out": 40, "connect_failed": 40}
OLD = {"ok": 580, "http_client_error": 170, "dns_failed": 90, "timed_out": 60, "connect_failed": 50, "tls_failed": 50}

NO_CAUSE = [
    {},
    USUAL,
    OLD,
    {"ok": 1000},
    {"dns_failed": 49},  # too few to tell
    {"ok": 1, "http_client_error": 299},  # gone is gone
    {"opted_out": 300},
    {"taken_down": 300, "withdrawn": 300},
    {"ok": 51, "dns_failed": 49},
    {"no_such_outcome": 900, "ok": 60},
]


@pytest.mark.parametrize("outcomes", NO_CAUSE)
def test_nothing_is_wrong(outcomes: dict[str, int]) -> None:
    assert likely_cause(outcomes, {"404": 300}) is None


CAUSES = [
    ({"dns_failed": 300}, {}, "resolv.conf"),
    ({"dns_failed": 50}, {}, "resolv.conf"),
    ({"ok": 450, "dns_failed": 500, "timed_out": 50}, {}, "resolv.conf"),
    ({"dns_failed": 90, "withdrawn": 10_000, "taken_down": 500, "opted_out": 500}, {}, "resolv.conf"),
    ({"connect_failed": 300}, {}, "firewall"),
    ({"connect_failed": 300}, {}, "proxy"),
    ({"tls_failed": 280, "ok": 20}, {}, "clock"),
    ({"tls_failed": 280, "ok": 20}, {}, "CA bundle"),
    ({"http_client_error": 300}, {"403": 300}, "refuse this agent"),
    ({"ok": 100, "http_client_error": 100, "rate_limited": 200}, {"403": 60, "404": 40, "429": 200}, "403, 429"),
    ({"rate_limited": 200}, {}, "more slowly"),
    ({"ok": 200, "timed_out": 300, "dns_failed": 100}, {}, "lower the concurrency"),
    ({"ok": 200, "timed_out": 150, "too_slow": 150}, {}, "lower the concurrency"),
    ({"timed_out": 300}, {}, "nothing answers"),
    ({"bad_url": 300}, {}, "column"),
    ({"not_an_image": 250, "corrupt_image": 50}, {}, "links to pages"),
    ({"forbidden_address": 300}, {}, "private addresses"),
    ({"http_server_error": 300}, {"500": 300}, "server errors"),
]


@pytest.mark.parametrize(("outcomes", "statuses", "words"), CAUSES)
def test_the_cause_is_named(outcomes: dict[str, int], statuses: dict[str, int], words: str) -> None:
    cause = likely_cause(outcomes, statuses)
    assert cause is not None
    assert words in cause


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_cause_is_half_a_sentence_that_fits_into_another(outcome: Outcome) -> None:
    cause = likely_cause({outcome.value: 1000})
    assert cause is None or (cause == cause.strip() and cause[0].islower() and cause[-1] != "." and "\n" not in cause)
