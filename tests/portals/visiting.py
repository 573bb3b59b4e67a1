"""A visitor with an ordinary browser: opens a page, fills its form, sends it with everything hidden in it."""

from __future__ import annotations

import html
import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from boss.core import scoping

ADDRESS = {"address": "14 Elm Street, Unit 1"}
OPTIONS = {"choice.installation": "self-install", "mail.mailbox.address": "ana.duarte"}
ANA = {"full_name": "Ana Duarte", "email": "ana@example.com", "phone": "512 555 0142"}
CARD = ANA | {"method": "card", "card_token": "tok_ok"}


class Visitor:
    """One browser on one host."""

    def __init__(self, realm_id: int, host: str = "alpha.localhost") -> None:
        self.client = Client(headers={"host": host})
        self.realm_id = realm_id

    def get(self, path: str, **query: str) -> HttpResponse:
        return self.client.get(path, query)  # type: ignore[return-value]

    def send(self, path: str, follow: bool = False, **typed: Any) -> HttpResponse:
        """Open the page at ``path`` and send its form with ``typed``."""
        return self.client.post(path, hidden(self.get(path)) | typed, follow=follow)  # type: ignore[return-value]

    def until(self, step: str) -> Visitor:
        """Answer every question before ``step``."""
        answers: list[tuple[str, str, dict[str, Any]]] = [
            ("plan", "/signup/", ADDRESS),
            ("options", "/signup/plan/", {"plan": "internet-300"}),
            ("you", "/signup/options/", OPTIONS),
            ("review", "/signup/you/", CARD),
        ]
        for reached, path, typed in answers:
            response = self.send(path, **typed)
            assert response.status_code == 302, f"{path}: {words(response)}"
            if reached == step:
                return self
        raise AssertionError(step)

    def place(self) -> str:
        """Order everything; the path of the progress page."""
        response = self.until("review").send("/signup/review/", agree="on")
        assert response.status_code == 302, words(response)
        return str(response["Location"])

    def session(self) -> dict[str, Any]:
        with scoping.realm_transaction(self.realm_id, "test"):
            return dict(self.client.session.items())

    def forget_session(self) -> None:
        """The session ends, the pages in the browser stay."""
        with scoping.realm_transaction(self.realm_id, "test"):
            self.client.session.flush()
        self.client.cookies.pop("sessionid", None)


def hidden(response: HttpResponse) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', response.content.decode())
    return {name: html.unescape(value) for name, value in found}


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def words(response: HttpResponse) -> str:
    """What a person reads of a page."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", text(response), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def message_beside(response: HttpResponse, field: str) -> str:
    """The error shown beside ``field``, tied to it for people who listen to the page."""
    page = text(response)
    found = re.search(rf'id="id_{re.escape(field)}_error"[^>]*>(.*?)</(?:p|span)>\s*</', page, flags=re.S)
    assert found, f"no message beside {field}: {words(response)}"
    assert f'href="#id_{field}"' in page, "the summary at the top does not lead to the field"
    assert f"id_{field}_error" in "".join(re.findall(r'aria-describedby="([^"]*)"', page))
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())
