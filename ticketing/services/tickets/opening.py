"""Opening a ticket."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core import events, locks, numbers, permissions
from boss.core.actors import Actor
from boss.core.files import Source, Upload
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import Organization, Site, User
from boss.tenancy.selectors import get_realm
from ticketing import selectors, statuses
from ticketing.choices import OPEN_STATES, CategoryKind, MessageKind, TicketState
from ticketing.events import TicketOpened
from ticketing.fields import Situation, Viewer
from ticketing.models import Category, TalentPool, Ticket, TicketLink
from ticketing.registry import subject_kinds
from ticketing.services import attaching, clocks
from ticketing.services.tickets import checking, journal, laying, projecting

FIRST_NUMBER = 1001
_LONGEST_TITLE = 200


@service
def open(
    *,
    actor: Actor,
    category_key: str,
    title: str,
    body: str = "",
    subject: tuple[str, int] | None = None,
    pool_key: str | None = None,
    priority: int | None = None,
    requester: User | None = None,
    data: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
    due_at: dt.datetime | None = None,
    links: Iterable[tuple[str, int]] = (),
    site: Site | None = None,
    organization: Organization | None = None,
    mailed: journal.Mailed | None = None,
    files: Sequence[Source | Upload] = (),
) -> Ticket:
    """Open a ticket. With ``dedupe_key`` an open ticket of the same key is returned instead, unchanged.

    ``subject`` is what decides how the ticket may end; it and ``links`` (kind, id) are what it is about. ``body``
    becomes the first message: public from people, staff-only from the machine; ``mailed`` is one that came by mail,
    in its sender's name; ``files`` go with the first message. Somebody without realm-wide rights
    (a subscriber) opens in his own name, in a category offered to customers, and sets no pool, priority or due date;
    a site is named by the people of its organization alone, and only one they see.
    Raises :class:`InvalidInput` with fields ``category``, ``title``, ``pool``, ``site``, ``subject``, ``data.<key>``,
    ``files``.
    """
    if dedupe_key:
        locks.hold(f"ticketing.dedupe:{dedupe_key}")
        known: Ticket | None = Ticket.objects.filter(dedupe_key=dedupe_key, state__in=OPEN_STATES).first()
        if known is not None:
            permissions.require(actor, "ticketing.view_ticket", known)
            return known
    category = _category(category_key)
    permission = "ticketing.add_ticket"
    if category.kind == CategoryKind.LEAD and actor.kind == "visitor":
        permission = "ticketing.add_lead"
    about = list(dict.fromkeys([*([subject] if subject else []), *links]))

    realm_wide = permissions.acts_for_realm(actor, permission)
    if not realm_wide:
        if not actor.holds(permission):
            raise PermissionDenied(permission=permission)
        for_another = requester if requester and requester.pk != actor.user_id else None
        _refuse_beyond_customers(actor, category, about, [pool_key, priority, due_at, dedupe_key, for_another])
        requester = User.objects.filter(pk=actor.user_id).first()
        organization = organization or _organization_of(actor, permission)
        if organization is None and requester is not None:  # a contact with some buildings only speaks for it, too
            organization = requester.organization
        if site is not None:
            _refuse_other_site(actor, site, organization)

    title = _title(actor, title)
    given, uploads = attaching.wrapped_values(data), attaching.wrapped(files)
    attaching.check(uploads, realm_id=actor.realm_id)
    pool = _pool(pool_key) if pool_key else category.default_pool
    _check_kinds(about)
    published = selectors.find_schema(category)
    asked = published.fields() if published else []
    first = statuses.first_of(published.status_defs() if published else (), TicketState.NEW)
    viewer = selectors.viewer_of(actor, asked)
    if not realm_wide and viewer.role == "staff":  # who may not open for the realm opens as a customer
        viewer = Viewer("end_user")
    needed = () if published is None or actor.is_system else statuses.needed(asked, first)
    cleaned = checking.cleaned(
        asked, actor=actor, viewer=viewer, at=Situation(first.key, first.state), given=given, needed=needed
    )

    ticket = Ticket(
        number=_number(actor, category),
        category=category,
        schema_version=category.schema_version,
        title=title,
        data=cleaned,
        status=first.key,
        priority=priority or category.priority,
        requester=requester,
        site_id=site.pk if site else requester.site_id if requester else None,
        organization=organization,
        pool=pool,
        subject_kind=subject[0] if subject else "",
        subject_id=subject[1] if subject else None,
        dedupe_key=dedupe_key or "",
        opened_by=actor.label[:200],
    )
    accounts = {(kind, key): subject_kinds.get(kind).account_id(key) for kind, key in about}
    linked = {account for account in accounts.values() if account is not None}
    written = mailed is not None and mailed.kind == MessageKind.PUBLIC
    promised = clocks.plan(ticket, actor=actor, fixed_at=due_at, accounts=linked, for_a_person=written)
    journal.write(ticket, actor=actor, event="opened", after={"number": ticket.number, "category": category.key})
    clocks.begin(ticket, promised)
    if not realm_wide and permission != "ticketing.add_lead":
        # The same rows that he may open are the rows he reaches: asked of the row itself, inside the transaction.
        permissions.require(actor, permission, ticket)
    projecting.copy_new(ticket, asked)
    laying.lay_out(ticket, published, actor=actor)
    attaching.keep_values(ticket, given, actor=actor)
    if body.strip() or uploads:
        kind = MessageKind.SYSTEM if actor.is_system else MessageKind.PUBLIC
        message = journal.say(ticket, actor=actor, body=body.strip(), kind=kind)
        attaching.keep(uploads, actor=actor, ticket=ticket, message=message)
    if mailed is not None:
        journal.say(ticket, actor=mailed.author, body=mailed.body, kind=mailed.kind, marks=mailed.marks)
    TicketLink.objects.bulk_create(
        TicketLink(
            ticket=ticket,
            subject_kind=kind_key,
            subject_id=subject_id,
            account_id=accounts[kind_key, subject_id],
        )
        for kind_key, subject_id in about
    )

    events.publish(TicketOpened(ticket_id=ticket.pk))
    return ticket


def _category(key: str) -> Category:
    category = selectors.find_category(key)
    if category is None or category.is_archived:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    return category


def _pool(key: str) -> TalentPool:
    pool = selectors.find_pool(key)
    if pool is None:
        raise InvalidInput(fields={"pool": [_("There is no such talent pool.")]})
    return pool


def _refuse_beyond_customers(
    actor: Actor, category: Category, about: list[tuple[str, int]], staff_only: list[object]
) -> None:
    if any(value is not None for value in staff_only):
        raise PermissionDenied(permission="ticketing.add_ticket")
    if not category.portal_visible:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    for kind_key, subject_id in about:
        kind = subject_kinds.find(kind_key)
        if kind is None or not kind.may_link(actor, subject_id):
            raise InvalidInput(fields={"subject": [_("There is no such thing.")]})


def _refuse_other_site(actor: Actor, site: Site, organization: Organization | None) -> None:
    if organization is None:  # a resident has the site he lives at, and names none
        raise PermissionDenied(permission="ticketing.add_ticket")
    seen = Site.objects.visible_to(actor).filter(pk=site.pk, organization=organization)
    if not seen.exists():
        raise InvalidInput(fields={"site": [_("There is no such site.")]})


def _organization_of(actor: Actor, permission: str) -> Organization | None:
    """The organization an organization's contact speaks for: the one of his grant, when there is one only."""
    targets = {g.target_id for g in actor.grants if g.kind == "organization" and permission in g.permissions}
    if len(targets) != 1:
        return None
    organization: Organization | None = Organization.objects.filter(pk=targets.pop()).first()
    return organization


def _title(actor: Actor, title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise InvalidInput(fields={"title": [_("Please say in a few words what this is about.")]})
    if len(title) > _LONGEST_TITLE:
        if not actor.is_system:
            raise InvalidInput(fields={"title": [_("At most %(n)s characters.") % {"n": _LONGEST_TITLE}]})
        # A long error text must never keep the engine from opening its ticket.
        title = title[: _LONGEST_TITLE - 1] + "…"
    return title


def _check_kinds(about: list[tuple[str, int]]) -> None:
    for kind_key, _subject_id in about:
        if kind_key not in subject_kinds:
            raise InvalidInput(fields={"subject": [_("Tickets cannot be about this kind of thing.")]})


def _number(actor: Actor, category: Category) -> str:
    prefix = category.number_prefix or realm_prefix(actor.realm_id)
    return f"{prefix}-{numbers.draw(f'ticket:{prefix}', first=FIRST_NUMBER)}"


def realm_prefix(realm_id: int) -> str:
    """Letters before ticket numbers: the realm's setting, else the initials of its key ("tri-lakes" gives TL)."""
    realm = get_realm(realm_id)
    chosen = str(realm.settings.get("ticket_prefix", ""))
    if chosen := str(realm.settings.get("ticket_prefix", "")):
        return chosen.upper()
    words = re.findall(r"[a-z0-9]+", realm.key.lower()) or ["t"]
    return ("".join(word[0] for word in words)[:8] if len(words) > 1 else words[0][:2]).upper()
