"""People as the console and the owner portal show them alike, and what the buttons beside them do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from boss.core.problems import Problem
from boss.look.marks import Mark
from boss.notify.services import inviting
from boss.tenancy import signing_in
from boss.tenancy.models import User
from boss.tenancy.services import users

ACTIVE = Mark(_("Active"), "circle-check", "ok")
INVITED = Mark(_("Invited"), "mail", "wait")
INACTIVE = Mark(_("Deactivated"), "ban", "idle")

Page = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class _Verb:
    do: Callable[..., Any]
    said: str | Promise
    proven: bool = False


_VERBS = {
    # Taking away is quick: whoever suspects a thief is not asked for a proof first.
    "deactivate": _Verb(users.deactivate, _("Deactivated. Nobody signs in as this person any more.")),
    "reactivate": _Verb(users.reactivate, _("Active again."), proven=True),
    "invite_again": _Verb(inviting.send_again, _("The invitation is on its way.")),
}


def mark_of(user: User) -> Mark:
    if not user.is_active:
        return INACTIVE
    return ACTIVE if user.has_usable_password() or user.last_login else INVITED


def button(name: str, *, find: Callable[[HttpRequest, str], User], back: Callable[[User], HttpResponse]) -> Page:
    """The page behind one of the buttons; stands inside the surface's own ``@requires(...)``.

    ``find`` gives the person of the address or raises NotFound, ``back`` leads to where the button stood. What was
    done, or why not, is said there.
    """
    verb = _VERBS[name]

    @require_POST
    def press(request: HttpRequest, public_id: str) -> HttpResponse:
        user = find(request, public_id)
        try:
            verb.do(actor=request.actor, user=user)  # type: ignore[attr-defined]
        except Problem as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, str(verb.said))
        return back(user)

    return signing_in.recently_proven(press) if verb.proven else press
