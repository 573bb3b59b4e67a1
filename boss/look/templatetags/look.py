"""Words and small parts for templates: icons, status labels, fields, money, time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select, Textarea
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from boss.core import clock

register = template.Library()

# Currencies written before the amount; all others follow it with their code.
SYMBOLS = {"USD": "$", "CAD": "CA$", "AUD": "A$", "GBP": "£", "EUR": "€"}
WITHOUT_CENTS = frozenset({"JPY", "KRW", "CLP", "VND"})


@register.simple_tag
def icon(name: str, label: str = "", extra: str = "") -> SafeString:
    """One icon of the sprite. Decoration unless ``label`` gives it a name of its own."""
    address = static("icons/sprite.svg")
    if label:
        return format_html(
            '<svg class="icon {}" role="img" aria-label="{}"><use href="{}#{}"></use></svg>',
            extra,
            label,
            address,
            name,
        )
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', extra, address, name
    )


@register.inclusion_tag("components/status.html")
def status(mark: Any) -> dict[str, Any]:
    """A :class:`boss.look.marks.Mark`: icon, word and tone together."""
    return {"mark": mark}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "", mark_optional: bool = True) -> dict[str, Any]:
    """A form field with label, help and error, all tied together for screen readers. Rows of a table of rules, where
    every box may stay empty, do without the mark on each of them."""
    widget = bound.field.widget
    group = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    single_box = isinstance(widget, CheckboxInput) and not group
    css = "form-check-input" if group or single_box else "form-select" if isinstance(widget, Select) else "form-control"
    help_text = bound.help_text or hint
    described = [f"{bound.auto_id}_helptext"] if help_text else []
    attrs: dict[str, Any] = {}
    if bound.errors:
        css += " is-invalid"
        described.append(f"{bound.auto_id}_error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.field.required and not group:
        attrs["aria-required"] = "true"
    attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()
    if isinstance(widget, Textarea):
        attrs.setdefault("rows", widget.attrs.get("rows", 4))
    return {
        "bound": bound,
        "group": group,
        "single_box": single_box,
        "help_text": help_text,
        "described": " ".join(described),
        "marked": mark_optional and not bound.field.required,
        "html": None if group else bound.as_widget(attrs=attrs),
        "kept": getattr(bound.form, "kept_files", {}).get(bound.name, ()),
        "choices": [] if not group else list(bound.subwidgets),
    }


@register.filter
def money(amount: Any, currency: str = "USD") -> str:
    """``Decimal`` of a currency as people write it; an empty string for nothing."""
    if amount is None or amount == "":
        return ""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return ""
    places = 0 if currency in WITHOUT_CENTS else 2
    value = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    digits = formats.number_format(abs(value), decimal_pos=places, use_l10n=True, force_grouping=True)
    sign = "−" if value < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency}"


@register.filter
def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return formats.number_format(number, decimal_pos=0, use_l10n=True, force_grouping=True)


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)


def in_words(moment: datetime, now: datetime) -> str:
    """How long ago, or until when, in a few words; a date beyond a week."""
    away = now - moment
    future = away < timedelta(0)
    seconds = int(abs(away).total_seconds())
    if seconds < 45:
        return _("in a moment") if future else _("just now")
    if seconds < 3600:
        count = max(1, round(seconds / 60))
        text = ngettext("%(n)s minute", "%(n)s minutes", count) % {"n": count}
    elif seconds < 86400:
        count = max(1, round(seconds / 3600))
        text = ngettext("%(n)s hour", "%(n)s hours", count) % {"n": count}
    elif seconds < 7 * 86400:
        count = max(1, round(seconds / 86400))
        text = ngettext("%(n)s day", "%(n)s days", count) % {"n": count}
    else:
        return formats.date_format(_local(moment), "DATE_FORMAT")
    return _("in %(time)s") % {"time": text} if future else _("%(time)s ago") % {"time": text}


@register.filter
def when(moment: datetime | None) -> str | SafeString:
    """A ``time`` element: the exact local time, machine-readable too, and on hover with its zone."""
    if moment is None:
        return ""
    local = _local(moment)
    short = (
        formats.date_format(local, "M j, H:i")
        if local.year == _local(clock.now()).year
        else formats.date_format(local, "M j Y, H:i")
    )
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S %Z"), short
    )


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """A ``time`` element in words ("4 minutes ago"), the exact time on hover."""
    if moment is None:
        return ""
    local = _local(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        in_words(moment, clock.now()),
    )


@register.filter
def zoned(moment: datetime, zone: str) -> datetime:
    """The moment in a named IANA zone (a site's, a realm's)."""
    return moment.astimezone(ZoneInfo(zone))


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as a short length of time: ``0.3 s``, ``12 s``, ``4 min``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{hours // 24} d {hours % 24} h"
