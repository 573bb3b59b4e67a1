"""From a template, a brand and a context to subject, text and HTML.

``templates/emails/<name>.txt`` extends ``emails/base.txt`` and begins with its subject line; ``<name>.html`` extends
``emails/base.html``. A template gets the caller's context and ``brand``, ``realm``, ``home`` (the portal's address)
and ``on_brand`` (black or white, whichever is read better on the brand's colour).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils import translation

from boss.tenancy import selectors

BEARERS = frozenset({"welcome", "password_link", "invitation", "sign_in_paused", "email_change", "outage_over"})
"""Templates with a link that lets its reader in, or answer in his name: their text is sealed."""

LOGO_CID = "logo"


class NoSubject(RuntimeError):
    """A template does not begin with a line "Subject: …": a programming error."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(template: str, context: Mapping[str, Any], *, realm_id: int, language: str) -> Rendered:
    """Render both parts in ``language`` with the brand of the realm."""
    realm, brand = selectors.get_realm(realm_id), selectors.get_brand(realm_id)
    everything = {
        **context,
        "realm": realm,
        "brand": brand,
        "home": home_of(realm_id),
        "on_brand": readable_on(brand.colour),
        "logo": f"cid:{LOGO_CID}" if brand.logo else "",
        "language": language,
    }
    with translation.override(language):
        plain = _source(f"emails/{template}.txt").render(Context(everything, autoescape=False))
        html = _source(f"emails/{template}.html").render(Context(everything, autoescape=True))
    first, _newline, text = plain.lstrip().partition("\n")
    if not first.startswith("Subject:"):
        raise NoSubject(template)
    # A line break in a header would let whoever wrote a ticket's title write headers of his own.
    subject = " ".join(first.removeprefix("Subject:").split())[:250]
    return Rendered(subject, _tidy(text), html.strip() + "\n")


def home_of(realm_id: int) -> str:
    """The portal's address, from the realm's canonical host and never from a request."""
    realm = selectors.get_realm(realm_id)
    return f"{realm.settings.get('scheme', 'https')}://{realm.canonical_host}/"


def readable_on(colour: str) -> str:
    """Black or white, by contrast (WCAG 2.2 relative luminance) against ``colour`` (#rrggbb)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def _source(name: str) -> Any:
    # The engine's own template: the wrapper of django.template.backends always escapes, and text/plain must not be.
    return get_template(name).template  # type: ignore[attr-defined]


def _tidy(text: str) -> str:
    """Trailing blanks gone and at most one empty line between two others: template tags leave holes."""
    lines: list[str] = []
    for line in (line if line == "-- " else line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
