"""Sites and people, named by ticket fields. Accounts and services are offered by their own rooms."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.tenancy.selectors import get_site, get_user
from ticketing.contracts import ReferenceKind, SubjectCard
from ticketing.fields import REFERENCES, FieldDef
from ticketing.registry import reference_kinds


def find(actor: Actor, field: FieldDef, value: Any) -> SubjectCard | None:
    """The card of what a field names, for whoever may see it; None for other fields as well."""
    kind = reference_kinds.find(field.type) if field.type in REFERENCES else None
    return None if kind is None else kind.find(actor, str(value))


def find_site(actor: Actor, public_id: str) -> SubjectCard | None:
    try:
        return SubjectCard(get_site(actor, public_id).label)
    except NotFound:
        return None


def find_user(actor: Actor, public_id: str) -> SubjectCard | None:
    try:
        user = get_user(actor, public_id)
    except NotFound:
        return None
    return SubjectCard(user.full_name, f"/console/people/{user.public_id}/", (user.email,))


KINDS = (
    ReferenceKind("site", _("Site"), find_site, _("the site's id, the last part of its address")),
    ReferenceKind("user", _("Person"), find_user, _("the person's id, the last part of the page's address")),
)
