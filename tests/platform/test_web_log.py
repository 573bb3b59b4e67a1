"""The web server's log: a line for each request, and in none of them what follows a door in an address."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from boss.core import logs
from boss.platform.testing.processes import WebServer
from tests.architecture.test_url_matrix import addresses

TOKEN = "eyJhbGciOi" + "s" * 30
NGINX = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


def test_every_address_with_a_token_is_known_as_a_door():
    routes = ["/" + route for route, _pattern in addresses() if "token>" in route]
    assert routes and [route for route in routes if not route.startswith(logs.DOORS)] == []


@pytest.mark.parametrize("door", logs.DOORS)
def test_what_follows_a_door_is_masked_however_it_is_spelled(door):
    for token in (TOKEN, "%65yJ:1a:b", "short"):
        written = logs.masked(f'"GET {door}{token}/state/?a=1 HTTP/1.1" 200 "https://a.example{door}{token}"')
        assert token not in written
        assert written == f'"GET {door}***/state/?a=1 HTTP/1.1" 200 "https://a.example{door}***"'


@pytest.mark.parametrize("format", ["json", "readable"])
def test_gunicorns_access_log_holds_no_token(real_db, cast, tmp_path, monkeypatch, format):
    monkeypatch.setenv("BOSS_LOG_FORMAT", format)
    server = WebServer(tmp_path)
    access = tmp_path / "access.log"
    server.child.argv += ["--access-logfile", str(access)]
    try:
        server.start()
        for door in logs.DOORS:
            asked = urllib.request.Request(f"{server.url}{door}{TOKEN}/?from=mail", headers={"Host": "alpha.localhost"})
            asked.add_header("Referer", f"http://alpha.localhost{door}{TOKEN}/")
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(asked, timeout=20)
    finally:
        server.stop()
    lines = [line for line in access.read_text().splitlines() if "from=mail" in line]
    assert len(lines) == len(logs.DOORS)
    assert all(f"{door}***/?from=mail" in line for door, line in zip(logs.DOORS, lines, strict=True))
    for file in tmp_path.rglob("*"):
        assert TOKEN not in file.read_text(), file.name
    if format == "json":
        assert {json.loads(line)["logger"] for line in lines} == {"gunicorn.access"}


def test_nginx_masks_the_same_addresses_and_logs_nothing_else_of_them():
    conf = NGINX.read_text()
    patterns = {
        source: re.compile(pattern.replace("(?<", "(?P<"))
        for source, pattern in re.findall(r'map \$(\w+) \$logged_\w+ \{\s+"~(.+?)" "', conf)
    }
    assert set(patterns) == {"request_uri", "http_referer"}
    for door in logs.DOORS:
        for source, before in (("request_uri", ""), ("http_referer", "https://a.example")):
            found = patterns[source].match(f"{before}{door}{TOKEN}/state/?a=1")
            assert found and list(found.groupdict().values()) == [f"{before}{door}", "/state/?a=1"]
            assert not patterns[source].match(f"{before}/console/orders/{TOKEN}/")
    written = re.search(r"log_format boss (.+?);", conf, re.DOTALL)[1]
    assert not re.search(r"\$(request|request_uri|uri|http_referer|args)\b", written)
    assert re.findall(r"access_log (\S+ \S+);", conf) == ["/var/log/nginx/access.log boss"]
