"""What somebody sent is kept while he proves that it is he, so that he need not type it again.

One form a session, sealed, for as long as a proof holds. A form with a secret or a file in it is not kept: such pages
ask for the proof before anything is typed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from boss.core import clock, crypto, logs
from boss.tenancy import sign_in_rules

KEY = "held_form"
LONGEST = 50_000
"""Characters of a form that is kept; a longer one is of no page that asks for a proof."""
_OURS = ("csrfmiddlewaretoken",)


@dataclass(frozen=True, slots=True)
class HeldForm:
    """``path`` is where it was sent, ``page`` where it stood ("" if unknown), ``values`` what was in it, in order."""

    path: str
    page: str
    values: list[tuple[str, str]]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What was filled in, for the eyes of the person: the fields' own names as words."""
        return [
            (re.sub(r"[-_.]+", " ", name).strip().capitalize(), value) for name, value in self.values if value.strip()
        ]


def hold(request: HttpRequest, page: str) -> bool:
    """Keep what this POST sent. False when it must not, or cannot, be kept."""
    values = [
        (name, value) for name, given in request.POST.lists() if name not in _OURS for value in given
    ]  # fmt: skip
    if request.FILES or any(logs.names_a_secret(name) for name, _value in values):
        return False
    text = json.dumps({"path": request.get_full_path(), "page": page, "values": values})
    if len(text) > LONGEST:
        return False
    request.session[KEY] = {"at": clock.now().timestamp(), "form": crypto.seal(text, bound_to=_place(request))}
    return True


def find(request: HttpRequest) -> HeldForm | None:
    """The form that waits for this person, if it is not too old."""
    kept = request.session.get(KEY)
    if not isinstance(kept, dict):
        return None
    if clock.now().timestamp() - kept["at"] > sign_in_rules.REAUTHENTICATION.total_seconds():
        return None
    try:
        told: dict[str, Any] = json.loads(crypto.open_sealed(kept["form"], bound_to=_place(request)))
    except crypto.CannotOpen:  # somebody else's, or sealed with a key that is gone
        return None
    return HeldForm(told["path"], told["page"], [(name, value) for name, value in told["values"]])


def forget(request: HttpRequest) -> None:
    """It was sent, or its time is over."""
    if KEY in request.session:
        del request.session[KEY]


def _place(request: HttpRequest) -> str:
    user: Any = request.user
    return f"tenancy.held_form:{user.realm_id}:{user.pk}"
