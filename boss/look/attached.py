"""Files on tickets as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.core.models import FileScan
from ticketing.models import Attachment

_KINDS = (
    ("image/svg", "document"), ("image/", "picture"), ("text/", "text"), ("audio/", "sound"), ("video/", "video"),
    ("application/pdf", "pdf"), ("application/zip", "archive"), ("message/", "mail"),
    ("application/vnd.", "document"), ("application/msword", "document"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One file; ``url`` is empty while it is not handed out, ``thumb`` says that it is shown as a picture."""

    name: str
    url: str
    thumb: bool
    icon: str
    size: int
    type: str
    state: str


def shown(rows: Iterable[Attachment], url_of: Callable[[Attachment], str]) -> list[Shown]:
    """Files for ``components/attachments.html``."""
    return [
        Shown(
            row.name, url_of(row) if row.is_offered else "", row.is_shown, _icon(row), row.size, type_of(row),
            state_of(row),
        )
        for row in rows
    ]  # fmt: skip


def type_of(row: Attachment) -> str:
    """What it is, in a word, by its bytes."""
    kind = next((kind for start, kind in _KINDS if row.media_type.startswith(start)), "")
    return {
        "picture": _("picture"), "text": _("text"), "sound": _("sound"), "video": _("video"), "pdf": _("PDF"),
        "archive": _("archive"), "mail": _("mail"), "document": _("document"),
    }.get(kind, _("file"))  # fmt: skip


def state_of(row: Attachment) -> str:
    """Whether it was looked through, in words."""
    return {
        FileScan.PENDING: _("being checked for viruses"),
        FileScan.CLEAN: _("checked for viruses"),
        FileScan.BLOCKED: _("blocked: the virus scanner refuses it"),
    }.get(FileScan(row.scan), _("not checked for viruses"))


def _icon(row: Attachment) -> str:
    if row.scan == FileScan.BLOCKED:
        return "alert-circle"
    return "clock" if row.scan == FileScan.PENDING else "file-text"
