"""Handing over what strangers have sent, so that no browser takes it for a page of ours."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from boss.core import file_types

SANDBOX = "default-src 'none'; sandbox"


def handed_over(name: str, media_type: str, content: bytes) -> HttpResponse:
    """The answer with a file. Only pictures made of dots are shown; all else is saved, and named as nothing a browser
    would open. ``name`` is a stranger's: it is encoded, never quoted as it is."""
    is_shown = media_type in file_types.SHOWN
    answer = HttpResponse(content, content_type=media_type if is_shown else file_types.UNKNOWN)
    answer["Content-Disposition"] = content_disposition_header(not is_shown, name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = SANDBOX
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "private, no-store"
    return answer
