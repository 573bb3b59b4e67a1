"""The log: one event a line, and neither local variables nor secrets in it, whoever wrote the line."""

from __future__ import annotations

import json
import logging
import time

import pytest
import structlog
from django.core import signing

from boss.core import logs

KEY = "boss_0123456789ab_" + "s" * 43


@pytest.fixture(params=["json", "readable"])
def lines(request):
    """What is written in this format, line by line."""
    written = []

    class Kept(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    handler = Kept()
    handler.setFormatter(logs.formatter(request.param))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def fail(password):
    hidden = "local " + password
    raise RuntimeError("the server said no", len(hidden))


def test_an_event_is_one_json_object_with_its_time_and_logger():
    record = logging.LogRecord("boss.x", logging.WARNING, __file__, 1, "%s of %s", ("one", "two"), None)
    written = json.loads(logs.formatter("json").format(record))
    assert written["event"] == "one of two" and written["logger"] == "boss.x" and written["level"] == "warning"
    assert written["timestamp"].endswith("Z")


def test_events_of_structlog_reach_the_same_handlers(lines):
    structlog.get_logger("boss.test").warning("fact_late", attempts=3)
    assert len(lines) == 1 and "fact_late" in lines[0] and "attempts" in lines[0]


def test_a_traceback_shows_the_way_and_no_local_variables(lines):
    for log in (structlog.get_logger("boss.test"), logging.getLogger("boss.test")):
        try:
            fail("".join(["correct", " ", "horse"]))
        except RuntimeError:
            log.exception("failed")
    assert len(lines) == 2
    for line in lines:
        assert "the server said no" in line and "fail" in line and "test_logs.py" in line
        assert "correct horse" not in line and "hidden" not in line.replace("len(hidden)", "")


@pytest.mark.parametrize(
    "text",
    [
        f"refused {KEY}",
        f"Authorization: Bearer {KEY}",
        "cannot reach postgresql://boss:s%s@db/boss" % ("s" * 42),
        f"password={'s' * 43}",
        '{"client_secret": "%s"}' % ("s" * 43),
        f"DETAIL:  Failing row contains (1, alice, {'s' * 43}).",
        f"DETAIL:  Key (realm_id, secret_hash)=(1, {'s' * 43}) already exists.",
    ],
)
def test_a_secret_in_a_text_or_an_error_is_masked(lines, text):
    logging.getLogger("boss.test").warning(text)
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger("boss.test").exception("failed", error=text)
    assert len(lines) == 2 and not any("s" * 42 in line for line in lines)


def test_a_value_with_a_secrets_name_is_masked_however_deep(lines):
    structlog.get_logger("boss.test").warning("called", request={"headers": [{"X-Api-Key": "abc123"}]}, token="abc123")
    assert "abc123" not in lines[0] and logs.MASK in lines[0]


@pytest.mark.parametrize(
    "make", [lambda: signing.dumps([1, "abc"], salt="x"), lambda: signing.Signer().sign("abc-def")]
)
def test_a_signed_link_is_masked_wherever_it_stands(make):
    token = make()
    for text in (f"Not Found: /invitation/{token}/", f'"GET /x/?next=/{token.replace(":", "%3A")} HTTP/1.1"'):
        assert token[-43:] not in logs.masked(text) and logs.MASK in logs.masked(text)


def test_ordinary_words_stay_as_they_are():
    text = "GET /console/accounts/0123456789ab/?q=14+Elm 2026-01-02T03:04:05Z order.submitted: 3 of 4"
    assert logs.masked(text) == text


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="json or readable"):
        logs.formatter("xml")


@pytest.mark.parametrize(
    "part", ["x", "x:", "token", "Key (", "bearer ", "://", "a-", "password=", "boss_", "Key (a)=("]
)
@pytest.mark.asvs("15.2.2")
def test_no_text_takes_long_to_mask(part):
    """What is masked comes from anybody: drivers, devices, scripts."""
    began = time.monotonic()
    logs.masked(part * (32_768 // len(part)))
    assert time.monotonic() - began < 3
