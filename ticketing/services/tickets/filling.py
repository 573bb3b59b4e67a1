"""What a ticket's own fields hold, put in while it is worked on, and taken along into another category."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import crypto
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import selectors, statuses
from ticketing.fields import SYSTEM, FieldDef, retire
from ticketing.models import Category, CategorySchema, Ticket
from ticketing.selectors import ORPHANS
from ticketing.services import attaching, clocks
from ticketing.services.tickets import checking, journal, laying, projecting


@service
def fill(*, actor: Actor, ticket: Ticket, data: Mapping[str, Any], expected_version: int | None = None) -> Ticket:
    """Set fields of an open ticket; what is not named stays, an empty value empties.

    An edited ticket goes up to the present version of its category's fields: a value whose option was removed stays
    until it is changed. Raises :class:`InvalidInput` with fields ``data.<key>``.
    """
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)

    journal.refuse_unless_open(ticket)
    before = dict(ticket.data)
    put(ticket, upgrade(ticket), actor=actor, data=data)
    if ticket.data == before:
        unchanged: Ticket = Ticket.objects.get(pk=ticket.pk)
        return unchanged

    journal.write(ticket, actor=actor, event="filled", **changes(ticket, before))
    projecting.copy(ticket)
    return ticket


@service
def recategorise(*, actor: Actor, ticket: Ticket, category: Category, expected_version: int | None = None) -> Ticket:
    """Move an open ticket into another category.

    A value goes along where the new category has a field of its key and type that takes it; the rest is kept apart,
    for staff to read. The ticket keeps its state; its status becomes the new category's first of that state. What is
    required there is asked for when somebody fills the fields in. Raises :class:`InvalidInput` with ``category``.
    """
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.change_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if category.is_archived:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    if category.pk == ticket.category_id:
        return ticket

    former, known = ticket.category, selectors.known(ticket.category).fields
    published = selectors.find_schema(category)
    wanted = {field.key: field for field in (published.fields() if published else ()) if field.is_given}
    taken, apart = {}, dict(ticket.data.get(ORPHANS, {}))
    for key, value in ticket.data.items():
        if key == ORPHANS:
            continue
        if _fits(wanted.get(key), known.get(key), value, actor=actor, ticket=ticket):
            taken[key] = value
        elif not (key in known and known[key].type == "computed"):
            title = known[key].title if key in known else key
            pools = list(known[key].pools) if key in known else []
            apart[key] = {"category": former.key, "label": title, "value": value, "pools": pools}
    ticket.category, ticket.schema_version = category, category.schema_version
    ticket.data = {**taken, **({ORPHANS: apart} if apart else {})}
    ticket.status = statuses.first_of(_statuses(published), ticket.state).key
    changes = clocks.agree_again(ticket, reason=_("Category is now: %(name)s") % {"name": category.name})
    journal.write(
        ticket, actor=actor, event="recategorised", before={"category": former.key},
        after={"category": category.key, "kept_apart": sorted(apart)} | ({"clocks": changes} if changes else {}),
    )  # fmt: skip
    projecting.copy(ticket)
    laying.change_over(ticket, published, actor=actor)
    return ticket


def put(
    ticket: Ticket,
    published: CategorySchema | None,
    *,
    actor: Actor,
    data: Mapping[str, Any],
    needed: Collection[str] = (),
) -> None:
    """Put ``data`` into the fields of the version that :func:`upgrade` has given the locked ticket, without saving."""
    asked = published.fields() if published else []
    held = dict(ticket.data)
    apart = held.pop(ORPHANS, None)
    given = attaching.wrapped_values(data)
    values = checking.cleaned(
        asked,
        actor=actor,
        viewer=selectors.viewer_of(actor, asked),
        at=selectors.situation(ticket),
        given=given,
        held=held,
        needed=needed,
    )
    ticket.data = values if apart is None else {**values, ORPHANS: apart}
    attaching.keep_values(ticket, given, actor=actor)


def upgrade(ticket: Ticket) -> CategorySchema | None:
    """The present version of the category, which the locked ticket now has; a status that is gone gives way to the
    first of the same state."""
    published = selectors.find_newest_schema(ticket.category_id)
    if published is not None and ticket.schema_version != published.version:
        ticket.schema_version = published.version
        known = published.status_defs()
        if statuses.find(known, ticket.status) is None:
            ticket.status = statuses.first_of(known, ticket.state).key
    return published


def changes(ticket: Ticket, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the journal says of changed fields; personal values, and those kept to pools, are not written down."""
    now = ticket.data
    changed = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
    hidden = _personal(ticket) if changed else frozenset()
    return {
        name: {"data": {key: _told(values.get(key), hide=key in hidden) for key in changed}}
        for name, values in (("before", before), ("after", now))
    }


def _personal(ticket: Ticket) -> frozenset[str]:
    published = selectors.find_schema_of(ticket)
    return frozenset(field.key for field in (published.fields() if published else ()) if field.pii or field.pools)


def _told(value: Any, *, hide: bool) -> Any:
    return crypto.MASK if hide and value is not None else value


def _fits(wanted: FieldDef | None, former: FieldDef | None, value: Any, *, actor: Actor, ticket: Ticket) -> bool:
    if wanted is None or former is None or wanted.type != former.type:
        return False
    if wanted.type == "file":  # the file stays on the ticket, whatever its category
        return True
    if value in retire([wanted], [former])[0].labels and value not in dict(wanted.options):
        return False
    try:
        checking.cleaned(
            [wanted], actor=actor, viewer=SYSTEM, at=selectors.situation(ticket), given={wanted.key: value}
        )
    except InvalidInput:
        return False
    return True


def _statuses(published: CategorySchema | None) -> list[statuses.StatusDef]:
    return published.status_defs() if published else statuses.effective(())
