"""The unfinished order of one visitor, kept in the session until it is placed.

The draft survives back, refresh and closing the page. Each form also carries a sealed copy of it, so that a visitor
whose session has ended meanwhile goes on where she was. Card tokens are never in that copy, and a card number is
never anywhere.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from boss.core import clock, crypto

SESSION_KEY = "signup"
PLACED_KEY = "signup_placed"
KEPT_DAYS = 30
KEPT_ORDERS = 10


@dataclass
class Draft:
    """What a visitor has answered so far. ``key`` makes placing the order idempotent.

    ``typed`` holds, by step, what was typed and not accepted (yet), so that nothing is ever cleared; ``refused`` what
    placing the order refused, by field, to be shown beside it.
    """

    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    saved_at: str = field(default_factory=lambda: clock.now().isoformat())
    address: str = ""
    site: str = ""
    plan: str = ""
    options: dict[str, int] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    options_done: bool = False
    contact: dict[str, str] = field(default_factory=dict)
    method: str = ""
    card_token: str = ""
    typed: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_started(self) -> bool:
        return bool(self.site or self.plan or self.contact or self.typed)

    @property
    def is_paid_for(self) -> bool:
        """The payment question is answered: a method, and the token where the method is a card."""
        return bool(self.method) and (self.method != "card" or bool(self.card_token))

    def choose_site(self, site: str, address: str) -> None:
        """Take the address. Another address may sell other plans, so the choice of plan starts again."""
        if site != self.site:
            self.plan, self.options, self.chosen, self.options_done = "", {}, {}, False
            self.typed.pop("options", None)
        self.site, self.address = site, address

    def choose_plan(self, plan: str) -> None:
        """Take the plan. Answers that belonged to another plan are dropped, the rest of the draft stays."""
        if plan != self.plan:
            self.options, self.chosen, self.options_done = {}, {}, False
            self.typed.pop("options", None)
        self.plan = plan


def load(request: HttpRequest) -> Draft:
    """The visitor's draft; an empty one (not yet stored) when there is none."""
    return _read(request.session.get(SESSION_KEY)) or Draft()


def save(request: HttpRequest, draft: Draft) -> None:
    draft.saved_at = clock.now().isoformat()
    request.session[SESSION_KEY] = asdict(draft)


def discard(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def remember_placed(request: HttpRequest, key: str, order: str, token: str) -> None:
    """This browser placed the order: a second submit of the same form finds it, and may set up sign-in."""
    placed: dict[str, list[str]] = dict(request.session.get(PLACED_KEY, {}))
    placed[key] = [order, token]
    request.session[PLACED_KEY] = dict(list(placed.items())[-KEPT_ORDERS:])


def find_placed(request: HttpRequest, key: str) -> str | None:
    """The progress token of the order this browser placed with this form key."""
    placed: dict[str, list[str]] = request.session.get(PLACED_KEY, {})
    return placed[key][1] if key in placed else None


def was_placed_here(request: HttpRequest, order: str) -> bool:
    placed: dict[str, list[str]] = request.session.get(PLACED_KEY, {})
    return any(public_id == order for public_id, _token in placed.values())


def sealed(draft: Draft, realm_id: int) -> str:
    """A copy for the form, readable by nobody but this realm of ours, and without the card token."""
    copy = asdict(draft) | {"card_token": "", "typed": {}, "refused": {}}
    return crypto.seal(json.dumps(copy), bound_to=f"portals.signup:{realm_id}")


def restore(request: HttpRequest, realm_id: int) -> bool:
    """Take the draft back from the form when the session that held it is gone. True when that happened."""
    copy = request.POST.get("draft", "")
    if not copy or SESSION_KEY in request.session or find_placed(request, request.POST.get("key", "")):
        return False
    try:
        draft = _read(json.loads(crypto.open_sealed(copy, bound_to=f"portals.signup:{realm_id}")))
    except (crypto.CannotOpen, ValueError):
        return False
    if draft is None or not draft.is_started:
        return False
    save(request, draft)
    return True


def _read(stored: Any) -> Draft | None:
    """A draft from its stored form; None when it is missing, too old or from another version of the page."""
    if not isinstance(stored, dict):
        return None
    known = {item.name for item in fields(Draft)}
    draft = Draft(**{name: value for name, value in stored.items() if name in known})
    oldest = clock.now().timestamp() - KEPT_DAYS * 24 * 3600
    return draft if _instant(draft.saved_at) >= oldest else None


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
