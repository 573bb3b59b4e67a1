"""Locked packages are asked about at a source of advisories, and silence is not taken for good news."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from boss.platform import advisories
from boss.platform.addresses import ROOT


class Source:
    """A source that speaks OSV's protocol."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.answer: bytes | None = None
        self.asked: list[dict[str, Any]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/querybatch"
                source.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
                results = [
                    {"vulns": [{"id": each} for each in source.known[query["package"]["name"]]]}
                    if query["package"]["name"] in source.known else {}
                    for query in source.asked
                ]  # fmt: skip
                body = source.answer if source.answer is not None else json.dumps({"results": results}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_every_locked_package_is_asked_about_with_its_version(source, capsys):
    assert advisories.main([source.address]) == 0
    asked = {(query["package"]["name"], query["version"]) for query in source.asked}
    assert asked == set(advisories.locked(ROOT / "uv.lock")) and ("django", "5.2.19") in asked
    assert all(query["package"]["ecosystem"] == "PyPI" for query in source.asked)
    assert "0 with advisories" in capsys.readouterr().out


def test_a_package_with_an_advisory_is_named_and_refused_unless_it_is_allowed_with_a_reason(
    source, capsys, monkeypatch
):
    source.known = {"django": ["GHSA-xxxx-1", "PYSEC-2"], "redis": ["GHSA-yyyy-3"]}
    monkeypatch.setattr(advisories, "ALLOWED", {"GHSA-yyyy-3": "the cluster client is not used"})
    assert advisories.main([source.address]) == 1
    told = capsys.readouterr().out
    assert "django 5.2.19: GHSA-xxxx-1, PYSEC-2" in told and "redis" not in told


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b'{"results": []}', b'{"results": null}', b"[]"])
def test_a_source_that_does_not_answer_is_not_good_news(source, capsys, monkeypatch, answer):
    source.answer = answer
    monkeypatch.delenv("BOSS_ADVISORIES", raising=False)
    assert advisories.main([source.address]) == 0
    assert capsys.readouterr().out.startswith("NOT ASKED")
    monkeypatch.setenv("BOSS_ADVISORIES", "required")
    assert advisories.main([source.address]) == 1


def test_nobody_at_home_is_not_good_news_either(capsys, monkeypatch):
    monkeypatch.setenv("BOSS_ADVISORIES", "required")
    assert advisories.main(["http://127.0.0.1:9"]) == 1
    assert capsys.readouterr().out.startswith("NOT ASKED")
