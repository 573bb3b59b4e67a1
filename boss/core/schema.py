"""Typed characteristics: one description that becomes a JSON Schema, a form and a validator.

A characteristic is what a feature, a ticket category or a task result asks for. Kept as plain JSON in the
database; read with :func:`from_json`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import jsonschema
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput

TYPES = (
    "text", "long_text", "integer", "decimal", "money", "boolean", "choice", "multi_choice", "tree_choice",
    "date", "datetime", "duration", "email", "phone", "url", "hostname", "ipv4", "ipv6", "prefix", "mac", "rating",
    "secret",
)  # fmt: skip
CHOICES = ("choice", "multi_choice", "tree_choice")
"""Types that need choices. A tree's keys are paths, "lan/wifi" below "lan"; the ends of its branches are chosen."""
WHOLE_NUMBERS = ("integer", "duration", "rating")
"""Types whose values are whole numbers: a duration is in seconds, a rating from 1 to ``maximum`` (5)."""
NUMBERS = (*WHOLE_NUMBERS, "decimal", "money")
BEST_RATING = 5

_PATTERNS = {
    "url": r"^https?://[^\s/?#@]+([/?#]\S*)?$",
    "mac": r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$",
    "phone": r"^\+?[0-9][0-9 ().-]{5,20}$",
    "hostname": r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
}


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One typed attribute. ``minimum``/``maximum`` bound numbers; ``max_length`` and ``pattern`` bound text.

    ``unit`` of money is its currency; an amount is a number with two digits after the point at most.
    ``expects`` says what ``pattern`` wants, to people, after "Enter": "7 to 15 digits".
    ``staff_only``: the provider's people see and set it; customers are never asked, and theirs is refused.
    """

    key: str
    type: str = "text"
    label: str = ""
    help: str = ""
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    pattern: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    staff_only: bool = False
    expects: str = ""

    known_types: ClassVar[tuple[str, ...]] = TYPES

    def __post_init__(self) -> None:
        if self.type not in self.known_types:
            raise ImproperlyConfigured(f"characteristic {self.key!r}: unknown type {self.type!r}")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.key):
            raise ImproperlyConfigured(f"characteristic {self.key!r}: lower-case letters, digits and _ only")
        if self.type in CHOICES and not self.choices:
            raise ImproperlyConfigured(f"characteristic {self.key!r}: a choice needs choices")
        if self.type == "tree_choice" and (lost := _without_parent(key for key, _label in self.choices)):
            raise ImproperlyConfigured(f"characteristic {self.key!r}: nothing stands above {', '.join(lost)}")

    @property
    def title(self) -> str:
        return self.label or self.key.replace("_", " ").capitalize()

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What can be chosen, with its label; of a tree the ends of its branches, "Home network › Wi-Fi"."""
        if self.type != "tree_choice":
            return self.choices
        labels = dict(self.choices)
        paths = [key.split("/") for key, _label in self.choices]
        inner = {"/".join(path[:-1]) for path in paths}
        return tuple(
            ("/".join(path), " › ".join(labels["/".join(path[: depth + 1])] for depth in range(len(path))))
            for path in paths
            if "/".join(path) not in inner
        )

    @property
    def hint(self) -> str:
        """Help, and the form that is expected, for whoever is about to fill it in."""
        form = self.expects or _class_in_words(self.pattern)
        return " ".join(part for part in (self.help, f"{form[:1].upper()}{form[1:]}." if form else "") if part)

    def to_json(self) -> dict[str, Any]:
        """The shortest form: fields at their default are left out."""
        # Each against its own default: a minimum of 0 says something, unlike a required of False.
        told = {item.name for item in fields_of(self) if getattr(self, item.name) != item.default} | {"key", "type"}
        plain = {name: value for name, value in asdict(self).items() if name in told}
        if "choices" in told:
            plain["choices"] = [list(choice) for choice in self.choices]
        return plain


def _without_parent(keys: Iterable[str]) -> list[str]:
    known = set(keys)
    return sorted(key for key in known if "/" in key and key.rpartition("/")[0] not in known)


Kind = TypeVar("Kind", bound=Characteristic)


def from_json(items: Iterable[dict[str, Any]]) -> list[Characteristic]:
    """Read stored characteristics. Raises ImproperlyConfigured for a bad one. Choices may be plain strings."""
    return read(items, Characteristic)


def read(items: Iterable[dict[str, Any]], kind: type[Kind]) -> list[Kind]:
    """:func:`from_json` for a kind of characteristic that knows more."""
    found = []
    for item in items:
        choices = tuple((c, c) if isinstance(c, str) else (str(c[0]), str(c[1])) for c in item.get("choices", ()))
        try:
            found.append(kind(**{**item, "choices": choices}))
        except TypeError as error:
            raise ImproperlyConfigured(f"characteristic {item.get('key')!r}: {error}") from None
    keys = [characteristic.key for characteristic in found]
    if len(keys) != len(set(keys)):
        raise ImproperlyConfigured(f"a characteristic key is used twice among {keys}")
    return found


def for_customers(characteristics: Iterable[Kind]) -> list[Kind]:
    """What customers may be asked: to them the rest does not exist, in forms and in what they send."""
    return [item for item in characteristics if not item.staff_only]


def json_schema(characteristics: Iterable[Characteristic]) -> dict[str, Any]:
    """A JSON Schema 2020-12 object for the values; nothing else is allowed in it."""
    items = list(characteristics)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {item.key: _property(item) for item in items},
        "required": [item.key for item in items if item.required],
        "additionalProperties": False,
    }


def _property(item: Characteristic) -> dict[str, Any]:
    rule: dict[str, Any] = {"title": item.title}
    if item.type in WHOLE_NUMBERS:
        rule["type"] = "integer"
    elif item.type in NUMBERS:
        rule["type"] = "number"
    elif item.type == "boolean":
        rule["type"] = "boolean"
    elif item.type in ("choice", "tree_choice"):
        rule |= {"type": "string", "enum": [key for key, _label in item.options]}
    elif item.type == "multi_choice":
        rule |= {"type": "array", "uniqueItems": True, "items": {"enum": [key for key, _label in item.choices]}}
    else:
        rule["type"] = "string"
        if item.type in ("date", "email", "ipv4", "ipv6", "hostname", "prefix"):
            rule["format"] = item.type
        if item.type in ("datetime", "url"):
            rule["format"] = {"datetime": "date-time", "url": "uri"}[item.type]
        rule["maxLength"] = item.max_length or {"long_text": 10_000, "url": 2_000}.get(item.type, 500)
        if item.required:
            rule["minLength"] = 1
        if pattern := item.pattern or _PATTERNS.get(item.type, ""):
            rule["pattern"] = pattern
    low, high = _bounds(item)
    if low is not None:
        rule["minimum"] = low
    if high is not None:
        rule["maximum"] = high
    if item.hint:
        rule["description"] = item.hint
    if item.unit:
        rule["x-unit"] = item.unit
    if item.staff_only:
        rule["x-staff-only"] = True
    if item.default is not None:
        rule["default"] = item.default
    return rule


def _bounds(item: Characteristic) -> tuple[float | None, float | None]:
    """From where to where a number may go; a duration is no less than nothing, a rating begins at 1."""
    if item.type == "duration":
        return (item.minimum or 0, item.maximum)
    if item.type == "rating":
        return (1, item.maximum or BEST_RATING)
    return (item.minimum, item.maximum)


def validate(characteristics: Iterable[Characteristic], values: dict[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """The values with defaults filled in, checked and in their JSON types.

    Strings from forms are brought to the characteristic's type first. Raises :class:`InvalidInput` whose ``fields``
    name each wrong key (with ``prefix`` in front) and say in words what is expected.
    """
    items = {item.key: item for item in characteristics}
    fields: dict[str, list[str]] = {}
    cleaned: dict[str, Any] = {}
    for key in values:
        if key not in items:
            fields[prefix + key] = [_("There is no such field here.")]
    for key, item in items.items():
        value = _normalised(item, values.get(key))
        if value is None and item.default is not None:
            value = item.default
        if value is None:
            if item.required:
                fields[prefix + key] = [_("Please fill this in.")]
            continue
        # JSON has one kind of number; Decimal is checked as float and kept as text by callers that store money.
        errors = list(_checker(_property(item)).iter_errors(float(value) if isinstance(value, Decimal) else value))
        if errors or (item.type == "money" and round(value, 2) != value):
            fields[prefix + key] = [_sentence(item, value)]
        else:
            cleaned[key] = value
    if fields:
        raise InvalidInput(fields=fields)
    return cleaned


_FORMATS = jsonschema.FormatChecker()


@_FORMATS.checks("prefix", raises=ValueError)  # type: ignore[untyped-decorator]
def _is_prefix(value: Any) -> bool:
    return not isinstance(value, str) or ("/" in value and bool(ipaddress.ip_network(value)))


def _checker(rule: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(rule, format_checker=_FORMATS)


def _normalised(item: Characteristic, value: Any) -> Any:
    """Form strings to JSON types; spellings of one thing to one spelling. What cannot be read is left for the check."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, Decimal):
        return float(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "":
        return None
    if item.type in ("integer", "rating") and re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    if item.type == "duration" and (seconds := _seconds(text)) is not None:
        return seconds
    if item.type in ("decimal", "money") and re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,12})?", text):
        return float(text)
    if item.type == "boolean" and text.lower() in ("true", "false", "on", "off", "yes", "no", "1", "0"):
        return text.lower() in ("true", "on", "yes", "1")
    if item.type == "mac" and re.fullmatch(
        r"[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2}){5}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}", text
    ):
        digits = re.sub(r"[^0-9a-f]", "", text.lower())
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))
    if item.type in ("hostname", "email"):
        return text.lower()
    if item.type in ("ipv4", "ipv6"):
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            return text
    if item.type == "prefix" and "/" in text:
        try:
            return str(ipaddress.ip_network(text))
        except ValueError:
            return text
    return text


_SPAN = re.compile(r"(\d{1,9})\s*(d|h|min|m|s)\s*", re.IGNORECASE)
_PER = {"d": 86_400, "h": 3_600, "min": 60, "m": 60, "s": 1}


def _seconds(text: str) -> int | None:
    """ "1 h 30 min", "90 min", "1:30" (hours and minutes) in seconds; None for what cannot be read."""
    if match := re.fullmatch(r"(\d{1,6}):([0-5]\d)", text):
        return int(match[1]) * 3_600 + int(match[2]) * 60
    if not re.fullmatch(f"({_SPAN.pattern})+", text, re.IGNORECASE):
        return None
    return sum(int(count) * _PER[unit.lower()] for count, unit in _SPAN.findall(text))


def span_in_words(seconds: int) -> str:
    """A duration as it is typed: 5400 is "1 h 30 min"."""
    parts, rest = [], seconds
    for unit in ("d", "h", "min", "s"):
        count, rest = divmod(rest, _PER[unit])
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 min"


def _sentence(item: Characteristic, value: Any) -> str:
    """What is expected, in words."""
    if item.type == "duration":
        return _("Enter a duration, for instance 1 h 30 min.")
    if item.type in NUMBERS:
        low, high = _bounds(item)
        if low is not None and high is not None:
            return _("Enter a number from %(low)s to %(high)s.") % {"low": _n(low), "high": _n(high)}
        if low is not None:
            return _("Enter a number of at least %(low)s.") % {"low": _n(low)}
        if high is not None:
            return _("Enter a number of at most %(high)s.") % {"high": _n(high)}
        if item.type == "money":
            return _("Enter an amount, for instance 12.50.")
        return _("Enter a whole number.") if item.type == "integer" else _("Enter a number.")
    expected = {
        "boolean": _("Choose yes or no."),
        "choice": _("Choose one of the options."),
        "tree_choice": _("Choose one of the options."),
        "multi_choice": _("Choose from the options."),
        "date": _("Enter a date, for instance 2026-11-23."),
        "datetime": _("Enter a date and time with time zone."),
        "email": _("Enter an e-mail address, for instance name@example.com."),
        "phone": _("Enter a phone number, for instance +1 555 0100."),
        "url": _("Enter an address of the web, for instance https://example.com/page."),
        "prefix": _("Enter a network, for instance 192.0.2.0/24 or 2001:db8::/48."),
        "hostname": _("Enter a host name: letters, digits and hyphens."),
        "ipv4": _("Enter an IPv4 address, for instance 192.0.2.10."),
        "ipv6": _("Enter an IPv6 address, for instance 2001:db8::10."),
        "mac": _("Enter a MAC address, for instance 00:11:22:aa:bb:cc."),
    }.get(item.type)
    if expected:
        return expected
    longest = _property(item)["maxLength"]
    if not isinstance(value, str):
        return _("Enter text.")
    if len(value) > longest:
        return _("Enter at most %(n)s characters; this has %(has)s.") % {"n": longest, "has": len(value)}
    if form := item.expects or _class_in_words(item.pattern):
        return _("Enter %(form)s.") % {"form": form}
    if item.help:
        return _("This is not in the expected form. %(help)s") % {"help": item.help}
    return _("This is not in the expected form, which is %(pattern)s.") % {"pattern": item.pattern}


_CLASS = re.compile(r"\^?\[(?P<set>(?:[^\]\[\\^]|\\[d.+/-])+)\](?P<many>[*+]|\{(?P<least>\d+)(?:,(?P<most>\d+))?\})\$?")


def _class_in_words(pattern: str) -> str:
    """``^[A-Z0-9-]{4,8}$`` as "4 to 8 capital letters, digits or -"; empty for a pattern that is more than a class."""
    match = _CLASS.fullmatch(pattern if "[" in pattern else pattern.replace(r"\d", "[0-9]"))
    if match is None:
        return ""
    rest, kinds = match["set"].replace("\\d", "0-9"), []
    for span, name in (("a-zA-Z", _("letters")), ("A-Za-z", _("letters")), ("a-z", _("lower-case letters")),
                       ("A-Z", _("capital letters")), ("0-9", _("digits"))):  # fmt: skip
        if span in rest:
            rest = rest.replace(span, "")
            kinds.append(name)
    if re.search(r"[^\W_]-[^\W_]", rest):  # a span of its own, such as a-f
        return ""
    if " " in rest:
        kinds.append(_("spaces"))
    if signs := " ".join(rest.replace("\\", "").replace(" ", "")):
        kinds.append(_("the signs %(signs)s") % {"signs": signs} if " " in signs else signs)
    words = _("%(some)s or %(last)s") % {"some": ", ".join(kinds[:-1]), "last": kinds[-1]} if kinds[1:] else kinds[0]
    if not match["least"]:
        return words
    if match["most"] and match["most"] != match["least"]:
        return _("%(least)s to %(most)s %(words)s") % {"least": match["least"], "most": match["most"], "words": words}
    return _("%(n)s %(words)s") % {"n": match["least"], "words": words}


def _n(number: float) -> str:
    return f"{number:g}" if number < 1e6 else f"{number:.0f}"


def form_fields(
    characteristics: Iterable[Characteristic], initial: dict[str, Any] | None = None
) -> dict[str, forms.Field]:
    """Django form fields for the characteristics. The form's cleaned values still go through :func:`validate`."""
    initial = initial or {}
    fields: dict[str, forms.Field] = {}
    for item in characteristics:
        field = _form_field(item)
        field.label, field.help_text, field.required = item.title, item.hint, item.required and item.type != "boolean"
        field.initial = initial.get(item.key, item.default)
        if item.type == "duration" and isinstance(field.initial, int):
            field.initial = span_in_words(field.initial)
        field.unit = item.unit  # type: ignore[attr-defined]
        fields[item.key] = field
    return fields


def _form_field(item: Characteristic) -> forms.Field:
    if item.type == "integer":
        return forms.IntegerField(min_value=_int(item.minimum), max_value=_int(item.maximum))
    if item.type in ("decimal", "money"):
        return forms.FloatField(min_value=item.minimum, max_value=item.maximum)
    if item.type == "boolean":
        return forms.BooleanField(required=False)
    if item.type in ("choice", "tree_choice"):
        blank = [] if item.required and item.default is not None else [("", _("Choose…"))]
        return forms.ChoiceField(choices=[*blank, *item.options])
    if item.type == "rating":
        best = _int(item.maximum) or BEST_RATING
        return forms.ChoiceField(choices=[(str(n), str(n)) for n in range(1, best + 1)], widget=forms.RadioSelect)
    if item.type == "multi_choice":
        return forms.MultipleChoiceField(choices=item.choices, widget=forms.CheckboxSelectMultiple)
    if item.type == "file":
        return forms.FileField(allow_empty_file=True)  # refused with the words of whoever takes it
    if item.type == "date":
        return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    if item.type == "datetime":
        return forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    widget: forms.Widget = forms.TextInput()
    if item.type == "long_text":
        widget = forms.Textarea(attrs={"rows": 4})
    elif item.type == "email":
        widget = forms.EmailInput()
    elif item.type == "url":
        widget = forms.URLInput()
    elif item.type == "phone":
        widget = forms.TextInput(attrs={"type": "tel"})
    elif item.type == "secret":
        widget = forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False)
    return forms.CharField(max_length=item.max_length, widget=widget)


def _int(number: float | None) -> int | None:
    return None if number is None else int(number)
