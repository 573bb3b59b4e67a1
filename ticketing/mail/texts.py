"""Text out of mails: without what databases and terminals choke on, and out of HTML."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import nh3

_BLOCKS = frozenset(
    {"blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "hr", "li", "p", "pre", "table", "tr"}
)
_HIDDEN = frozenset({"head", "noscript", "script", "style", "template", "title"})
_TAGS = _BLOCKS | {
    "a", "abbr", "b", "code", "dl", "em", "i", "ol", "s", "small", "span", "strong", "sub", "sup", "tbody", "td",
    "tfoot", "th", "thead", "u", "ul",
}  # fmt: skip
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Valid Unicode without NUL; bytes that were no UTF-8 become the replacement character."""
    text = text.encode("utf-8", "surrogateescape" if _escaped(text) else "replace").decode("utf-8", "replace")
    return text.replace("\x00", "").replace("\r\n", "\n")


def _escaped(text: str) -> bool:
    return all(not "\ud800" <= each <= "\udfff" or "\udc80" <= each <= "\udcff" for each in text)


def clean_line(text: str) -> str:
    """One line: no control characters, no marks that turn the direction of writing."""
    text = _DIRECTIONS.sub("", clean(text))
    return " ".join("".join(c if unicodedata.category(c) != "Cc" else " " for c in text).split())


def safe_html(html: str) -> str:
    """HTML from an allow-list: no script, no style, no picture (they tell the sender who reads), links to the web."""
    if not html:
        return ""
    return nh3.clean(
        clean(html),
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "title"},
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self.hidden += 1
        elif tag in _BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(re.sub(r"\s+", " ", data))


def text_of_html(html: str) -> str:
    """What a reader of the HTML reads, as text."""
    reader = _Text()
    reader.feed(safe_html(html))
    reader.close()
    lines = [line.strip() for line in "".join(reader.found).replace("\xa0", " ").splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
