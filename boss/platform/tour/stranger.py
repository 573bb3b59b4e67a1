"""A browser without a screen: it follows links and redirects, keeps cookies, and sends forms as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

SECONDS = 30.0


class NotAsExpected(AssertionError):
    """Something the tour claims is not so. Its words are what the tour ends with."""


@dataclass
class Field:
    """One control of a form: the values it offers, and those it would send if nobody touched it."""

    name: str
    kind: str
    offered: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    required: bool = False


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, Field] = field(default_factory=dict)

    def values(self) -> dict[str, list[str]]:
        """What a browser would send: alternatives of which none is chosen take the first."""
        sent = {name: list(each.chosen) for name, each in self.fields.items()}
        for name, each in self.fields.items():
            if each.kind == "radio" and not each.chosen and each.offered:
                sent[name] = each.offered[:1]
        return {name: values for name, values in sent.items() if values}


class _Reader(HTMLParser):
    """Collects the forms of a page and its visible words."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select: Field | None = None
        self._area: Field | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        present = {name for name, _value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name and "disabled" not in present:
            self._input(given, present, name)
        elif tag == "select" and name:
            self._select = self._form.fields.setdefault(name, Field(name, "select"))
        elif tag == "option" and self._select is not None:
            self._select.offered.append(given.get("value", ""))
            if "selected" in present:
                self._select.chosen = [given.get("value", "")]
        elif tag == "textarea" and name:
            self._area = self._form.fields.setdefault(name, Field(name, "textarea", chosen=[""]))

    def _input(self, given: dict[str, str], present: set[str], name: str) -> None:
        assert self._form is not None
        kind = given.get("type", "text").lower()
        if kind in ("submit", "button", "image", "reset"):
            return
        control = self._form.fields.setdefault(name, Field(name, kind))
        value = given.get("value", "on" if kind in ("checkbox", "radio") else "")
        control.offered.append(value)
        control.required = control.required or "required" in present
        if kind not in ("checkbox", "radio") or "checked" in present:
            control.chosen.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent -= 1
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.chosen = [data]
        elif not self._silent:
            self.words.append(data)


@dataclass
class Page:
    """A page as it was answered."""

    url: str
    status: int
    html: str

    def __post_init__(self) -> None:
        reader = _Reader()
        reader.feed(self.html)
        self.forms = reader.forms
        self.text = " ".join(" ".join(reader.words).split())

    def form(self, *names: str) -> Form:
        """The form that asks for all of ``names``."""
        for each in self.forms:
            if set(names) <= set(each.fields):
                return each
        raise NotAsExpected(
            f"{self.url} ({self.status}) has no form that asks for {', '.join(names)}: {self.text[:300]}"
        )


class Browser:
    """One person's browser on one host."""

    def __init__(self, url: str, *, host: str = "", transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Host": host} if host else {}
        headers["User-Agent"] = "BOSS tour"
        self.http = httpx.Client(
            base_url=url, headers=headers, follow_redirects=True, timeout=SECONDS, transport=transport
        )

    def open(self, path: str) -> Page:
        return self._page(self.http.get(path))

    def send(self, page: Page, form: Form, **typed: str) -> Page:
        """Submit ``form`` of ``page`` with ``typed`` over what it holds. Underscores of names may stand for dots."""
        values = form.values()
        for name, value in typed.items():
            values[_spelled(name, form)] = [value]
        address = urljoin(page.url, form.action)
        sent: list[tuple[str, str | int | float | bool | None]] = [
            (name, value) for name, each in values.items() for value in each
        ]
        answer = self.http.request(
            form.method.upper(),
            address,
            content=str(httpx.QueryParams(sent)),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url},
        )
        return self._page(answer)

    def sign_in(self, email: str, password: str) -> None:
        """Through the sign-in page, as everybody does. Raises :class:`NotAsExpected`."""
        page = self.open("/login/")
        after = self.send(page, page.form("email", "password"), email=email, password=password)
        if after.status != 200 or "/login/" in after.url:
            raise NotAsExpected(f"{email} cannot sign in: {after.text[:200]}")

    @property
    def forgery_token(self) -> str:
        return str(self.http.cookies.get("csrftoken", ""))

    def _page(self, answer: httpx.Response) -> Page:
        return Page(str(answer.url), answer.status_code, answer.text)


def _spelled(name: str, form: Form) -> str:
    """``choice__installation`` for ``choice.installation``: Python's keywords have no dots."""
    return name if name in form.fields else name.replace("__", ".")
