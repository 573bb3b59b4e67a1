"""The REST API as its clients use it: with a session from the sign-in page, or with an API key."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from boss.platform.tour.stranger import SECONDS, Browser, NotAsExpected

Row = dict[str, Any]


class Refused(NotAsExpected):
    """The API said no; ``problem`` is its document."""

    def __init__(self, method: str, path: str, status: int, problem: Any) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{method} {path} was answered {status}: {problem}")


class Api:
    """``/api/v1/`` for one principal. Every POST carries an Idempotency-Key and is repeated once to see it hold."""

    def __init__(self, http: httpx.Client, who: str, token: str = "") -> None:
        self.http, self.who, self._token = http, who, token

    @classmethod
    def with_key(cls, url: str, key: str) -> Api:
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "BOSS tour"}
        return cls(httpx.Client(base_url=url, headers=headers, timeout=SECONDS), "integrator")

    @classmethod
    def signed_in(cls, url: str, email: str, password: str, host: str = "") -> Api:
        browser = Browser(url, host=host)
        browser.sign_in(email, password)
        return cls(browser.http, email.partition("@")[0], browser.forgery_token)

    def get(self, path: str, **filters: Any) -> Any:
        return self._asked("GET", path, params={name: value for name, value in filters.items() if value is not None})

    def status(self, path: str) -> int:
        """Only how it was answered."""
        return self.http.get(f"/api/v1/{path}").status_code

    def every(self, path: str, **filters: Any) -> Iterator[Row]:
        """All rows of a list, page after page."""
        page = self.get(path, limit=200, **filters)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self._answer("GET", path, self.http.get(page["next"]))

    def post(self, path: str, body: Row | None = None, *, key: str = "") -> Any:
        return self._asked("POST", path, json=body or {}, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def _asked(self, method: str, path: str, headers: dict[str, str] | None = None, **how: Any) -> Any:
        if method != "GET" and self._token:
            headers = {**(headers or {}), "X-CSRFToken": self._token, "Referer": str(self.http.base_url)}
        return self._answer(method, path, self.http.request(method, f"/api/v1/{path}", headers=headers, **how))

    def _answer(self, method: str, path: str, answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            try:
                problem: Any = answer.json()
            except ValueError:
                problem = answer.text[:300]
            raise Refused(method, path, answer.status_code, problem)
        return answer.json()
