"""JSON that Postgres can hold and that our own code can walk through."""

from __future__ import annotations

import math
import sys
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError

DEEPEST = 64
"""Levels of lists and objects inside one another. Nothing we read has more than a handful."""


class JSONParser(parsers.JSONParser):
    """Refuses what would only fail later as a 500: NUL, half of a surrogate pair, infinite numbers, endless nesting."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            given = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("Too deeply nested.")) from None
        _check(given, DEEPEST)
        return given


class MultiPartParser(parsers.MultiPartParser):
    """A form with files. Its texts are held to what JSON is held to; values of one field stand under ``name.key``."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        given = super().parse(stream, media_type, parser_context)
        for name, values in given.data.lists():
            _check(name, 0)
            for value in values:
                _check(value, 0)
        return given


def _check(value: Any, levels: int) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ParseError(_("A text contains a character that cannot be stored."))
    elif isinstance(value, dict | list):
        if levels == 0:
            raise ParseError(_("Too deeply nested."))
        if isinstance(value, dict):
            for key in value:
                _check(key, 0)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, levels - 1)
    elif isinstance(value, float):
        # NaN and Infinity are refused by the parser before; 1e999 becomes infinite only by being read.
        if not math.isfinite(value):
            raise ParseError(_("A number is too large."))
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ParseError(_("A number is too large."))
