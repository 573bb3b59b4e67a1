"""JSON that Postgres can hold."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError


class JSONParser(parsers.JSONParser):
    """Refuses what no column can store (NUL, half of a surrogate pair), so it never fails later as a 500."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            given = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("Too deeply nested.")) from None
        if not _storable(given):
            raise ParseError(_("A text contains a character that cannot be stored."))
        return given


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return all(_storable(key) and _storable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_storable(item) for item in value)
    return True
