"""Errors people and programs can act on: a stable code, a sentence, the fields concerned (RFC 9457)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Problem(Exception):
    """Base of every refusal. ``code`` is ``room.reason`` and never changes; ``fields`` maps a field to its messages.

    Keyword arguments beyond ``fields`` and ``detail`` become data, shown to programs and usable in ``detail``.
    """

    code: ClassVar[str] = "core.problem"
    status: ClassVar[int] = 422
    title: ClassVar[Text] = _("This cannot be done.")

    def __init__(self, detail: Text = "", *, fields: dict[str, list[str]] | None = None, **data: Any) -> None:
        self.detail = str(detail)
        self.fields = fields or {}
        self.data = data
        super().__init__(self.detail or str(self.title))

    def __str__(self) -> str:
        return self.detail or str(self.title)

    def document(self) -> dict[str, Any]:
        """The RFC 9457 body."""
        body: dict[str, Any] = {
            "type": f"urn:boss:problem:{self.code}",
            "title": str(self.title),
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.fields:
            body["fields"] = self.fields
        if self.data:
            body["data"] = self.data
        return body


class InvalidInput(Problem):
    code = "core.invalid_input"
    status = 422
    title = _("Please correct what is marked below.")


class Malformed(Problem):
    code = "core.malformed"
    status = 400
    title = _("The request could not be read.")


class NotFound(Problem):
    code = "core.not_found"
    status = 404
    title = _("There is nothing here.")


class WrongState(Problem):
    """The thing is not in a state that allows this (a second click, or somebody else was quicker)."""

    code = "core.wrong_state"
    status = 409
    title = _("This is no longer possible in its present state.")
