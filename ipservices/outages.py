"""Reads of outages: whom they concern, what those may know of them, and what became of each.

An outage concerns an account when the account is written down as its member, or has something in its scope now. Members
are written down when the outage is opened, and again before every telling: who came since is added, nobody is struck
off but by hand. Who was, is concerned no more, wherever he lies. What customers get of an outage is :class:`Known` and
nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from boss.notify.models import DeliveryState
from boss.tenancy.models import Site, User
from ipservices.choices import BackAnswer, NoticeState, OutageScopeKind, ServiceState
from ipservices.errors import OutageNotFound
from ipservices.models import (
    Outage,
    OutageMember,
    OutageNotice,
    OutageScope,
    OutageTicket,
    OutageUpdate,
    Service,
)
from subscribers.choices import SubscriptionState
from subscribers.models import Account, Subscription
from ticketing.models import Ticket, TicketLink

VIEW = "ipservices.view_outage"
SERVED = (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED)
_BELONGS = Q(members__taken_out_at=None)
MOST_NAMES = 300
"""Names of nodes that are offered while one types."""


def list_outages(actor: Actor) -> ScopedQuerySet:
    """Every outage, newest first, with its ticket and scope."""
    return whole_outages().visible_to(actor, VIEW)


def whole_outages() -> ScopedQuerySet:
    """The same for a surface that narrows the rows itself."""
    rows: ScopedQuerySet = (
        Outage.objects.select_related("ticket", "ticket__category", "trouble_category")
        .prefetch_related("scopes__site", "scopes__organization", "scopes__binding")
        .order_by("-id")
    )
    return rows


def scopes_of(outage: Outage) -> list[OutageScope]:
    """What is out, of an outage that was listed; the listing has asked for it."""
    return list(outage.scopes.all())


def tickets_of(member: OutageMember) -> list[Ticket]:
    """His tickets about it; the listing has asked for them."""
    return [place.ticket for place in member.tickets.all()]


def list_open(actor: Actor) -> list[Outage]:
    """Those that are not over, each with ``members_now``, the number written down."""
    rows = list_outages(actor).filter(ended_at=None).annotate(members_now=Count("members", filter=_BELONGS))
    return list(rows)


def is_any_open() -> bool:
    """Whether anything is out, of which most pages then say nothing."""
    return bool(Outage.objects.filter(ended_at=None).exists())


def count_members(outage: Outage) -> int:
    """How many are written down and were not taken out."""
    return int(OutageMember.objects.filter(outage=outage, taken_out_at=None).count())


def get_outage(actor: Actor, public_id: str) -> Outage:
    """Raises :class:`OutageNotFound`."""
    found: Outage | None = list_outages(actor).filter(public_id=public_id).first()
    if found is None:
        raise OutageNotFound
    return found


def find_by_ticket(actor: Actor, ticket: Ticket) -> Outage | None:
    """The outage that is worked on under this ticket."""
    found: Outage | None = list_outages(actor).filter(ticket=ticket).first()
    return found


def find_place(actor: Actor, ticket: Ticket) -> OutageTicket | None:
    """Where a ticket belongs to an outage as one of its children. Not where that was none."""
    if not actor.holds(VIEW):
        return None
    rows = OutageTicket.objects.select_related("member__outage__ticket").filter(ticket=ticket)
    found: OutageTicket | None = rows.exclude(member__outage__is_false_alarm=True).first()
    return found


# What a scope reaches


@dataclass(frozen=True, slots=True)
class Reach:
    """What of the map and of the network is out, by kind."""

    sites: frozenset[int] = frozenset()
    organizations: frozenset[int] = frozenset()
    nodes: frozenset[str] = frozenset()
    postal_codes: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    servers: frozenset[int] = frozenset()

    @staticmethod
    def of(scopes: Iterable[OutageScope]) -> Reach:
        by_kind: dict[str, set[Any]] = {}
        for each in scopes:
            named = each.site_id or each.organization_id or each.binding_id or each.value
            by_kind.setdefault(each.kind, set()).add(named)
        kinds = OutageScopeKind
        order = (kinds.SITE, kinds.ORGANIZATION, kinds.NODE, kinds.POSTAL_CODE, kinds.CITY, kinds.SERVER)
        return Reach(*(frozenset(by_kind.get(kind, ())) for kind in order))

    def sites_q(self) -> Q:
        """Sites that lie in it. None where nothing but servers is out."""
        found = Q(pk__in=[])
        for path, named in (
            ("pk", self.sites), ("organization", self.organizations), ("access_node", self.nodes),
            ("postal_code", self.postal_codes), ("city", self.cities),
        ):  # fmt: skip
            if named:
                found |= Q(**{f"{path}__in": named})
        return found

    def holds(self, place: Place) -> bool:
        return (
            place.site_id in self.sites
            or place.organization_id in self.organizations
            or place.node in self.nodes
            or place.postal_code in self.postal_codes
            or place.city in self.cities
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What of a site decides whether it lies in a scope."""

    site_id: int
    node: str
    postal_code: str
    city: str
    organization_id: int | None


def places(sites: QuerySet[Site]) -> list[Place]:
    rows = sites.values_list("pk", "access_node", "postal_code", "city", "organization_id")
    return [Place(*row) for row in rows]


def _subscriptions(reach: Reach) -> QuerySet[Any]:
    """Account and site of what is served within it: two ways of reaching, each by its own index, put together."""
    sites = Site.objects.filter(reach.sites_q()).values("pk")
    there = Subscription.objects.filter(site__in=sites, state__in=SERVED).values_list("account_id", "site_id")
    if not reach.servers:
        alone: QuerySet[Any] = there.order_by().distinct()
        return alone
    at_servers = (
        Service.objects.filter(binding__in=reach.servers, state__in=(ServiceState.ACTIVE, ServiceState.SUSPENDED))
        .order_by()
        .values_list("account_id", "site_id")
    )
    both: QuerySet[Any] = there.order_by().union(at_servers)
    return both


def affected(reach: Reach) -> dict[int, int]:
    """Accounts with something that is out now, each with one site at which it is."""
    return dict(_subscriptions(reach).iterator(chunk_size=5000))


def count_affected(reach: Reach, *, but_for: Outage | None = None) -> int:
    """How many accounts have something that is out, now; ``but_for`` those that were taken out of an outage."""
    found = {account for account, _site in _subscriptions(reach).iterator(chunk_size=5000)}
    if but_for is not None:
        rows = OutageMember.objects.filter(outage=but_for, taken_out_at__isnull=False)
        found -= set(rows.values_list("account_id", flat=True))
    return len(found)


def names_of_nodes() -> list[str]:
    """Nodes by name, for whoever types one."""
    rows = Site.objects.exclude(access_node="").order_by("access_node").values_list("access_node", flat=True)
    return list(rows.distinct()[:MOST_NAMES])


# Whom an outage concerns


def covering(account: Account) -> list[tuple[Outage, OutageMember | None]]:
    """The open outages that concern an account, with its membership where it is written down.

    One statement while nothing is out.
    """
    everything = _open()
    if not everything:
        return []
    members = {each.outage_id: each for each in OutageMember.objects.filter(account=account, outage__in=everything)}
    everything = [each for each in everything if each.pk not in members or members[each.pk].taken_out_at is None]
    lies_in = _around(everything, account_ids=[account.pk], site_ids=[account.site_id] if account.site_id else [])
    return [(each, members.get(each.pk)) for each in everything if each.pk in members or each.pk in lies_in]


def _open() -> list[Outage]:
    return list(whole_outages().filter(ended_at=None))


def _around(outages: Sequence[Outage], *, account_ids: Sequence[int], site_ids: Iterable[int] = ()) -> set[int]:
    """Ids of those in whose scope the accounts, or the sites, have something."""
    served = Subscription.objects.filter(account__in=account_ids, state__in=SERVED).values("site")
    at = places(Site.objects.filter(Q(pk__in=served) | Q(pk__in=list(site_ids))))
    reached = {each.pk: Reach.of(each.scopes.all()) for each in outages}
    found = {pk for pk, reach in reached.items() if any(reach.holds(place) for place in at)}
    if any(reach.servers for reach in reached.values()):
        rows = Service.objects.filter(account__in=account_ids).exclude(state=ServiceState.TERMINATED)
        servers = set(rows.exclude(binding=None).values_list("binding", flat=True))
        found |= {pk for pk, reach in reached.items() if reach.servers & servers}
    return found


def account_of(ticket: Ticket) -> Account | None:
    """Whose ticket it is: the account it is linked to, else that of whoever asked."""
    linked = TicketLink.objects.filter(ticket=ticket, account_id__isnull=False).order_by("id")
    account_id = linked.values_list("account_id", flat=True).first()
    rows = Account.objects.select_related("site")
    if account_id is not None:
        found: Account | None = rows.filter(pk=account_id).first()
        return found
    if ticket.requester_id is None:
        return None
    own: Account | None = rows.filter(user=ticket.requester_id).order_by("id").first()
    return own


# What customers know


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody it concerns is shown of an outage. Nothing of others, nothing staff wrote to one another."""

    public_id: str
    text: str
    since: dt.datetime
    eta_at: dt.datetime | None
    is_asked_for: bool = False
    """He has said that he wants to be told."""


def known_to(actor: Actor) -> list[Known]:
    """Open outages that concern the person himself: his accounts, or the place he lives at."""
    with scoping.as_application():  # what is given out is the public text, and to those concerned alone
        everything = _open()
    if not everything:
        return []
    accounts = [each.pk for each in my_accounts(actor)]
    user: User | None = User.objects.filter(pk=actor.user_id).first()
    sites = [user.site_id] if user is not None and user.site_id else []
    with scoping.as_application():
        members = list(OutageMember.objects.filter(account__in=accounts, outage__in=everything))
    asked: dict[int, bool] = {}
    struck_off: dict[int, set[int]] = {}
    for each in members:
        if each.taken_out_at is not None:
            struck_off.setdefault(each.outage_id, set()).add(each.account_id)
        else:
            asked[each.outage_id] = asked.get(each.outage_id, False) or each.reported_at is not None
    whole = [each for each in everything if each.pk not in struck_off]
    lies_in = _around(whole, account_ids=accounts, site_ids=sites)
    for one in everything:
        if one.pk in struck_off:  # it may still concern him by another account of his, not by where he lives
            lies_in |= _around([one], account_ids=[pk for pk in accounts if pk not in struck_off[one.pk]])
    return [_known(each, asked.get(each.pk, False)) for each in everything if each.pk in asked or each.pk in lies_in]


def my_accounts(actor: Actor) -> list[Account]:
    """Accounts that the person signs in for."""
    if actor.user_id is None:
        return []
    return list(Account.objects.filter(user_id=actor.user_id).exclude(state="closed").order_by("id")[:20])


def known_at(actor: Actor, site_ids: Sequence[int] | None = None) -> list[Known]:
    """Open outages at the sites an organization's person may see (or those of them): its buildings, no other place."""
    sites = Site.objects.visible_to(actor)
    if site_ids is not None:
        sites = sites.filter(pk__in=site_ids)
    with scoping.as_application():
        everything = _open()
        if not everything:
            return []
        at = {
            Place(0, *row)
            for row in sites.order_by().values_list("access_node", "postal_code", "city", "organization_id").distinct()
        }
        reached = {each.pk: Reach.of(each.scopes.all()) for each in everything}
        found = {pk for pk, reach in reached.items() if any(reach.holds(place) for place in at)}
        named = {site for reach in reached.values() for site in reach.sites}
        own = set(sites.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
        found |= {pk for pk, reach in reached.items() if reach.sites & own}
        at_sites = OutageMember.objects.filter(
            outage__in=everything, taken_out_at=None, site__in=sites.order_by().values("pk")
        )
        found |= set(at_sites.values_list("outage", flat=True).distinct())
        return [_known(each, False) for each in everything if each.pk in found]


def _known(outage: Outage, asked: bool) -> Known:
    return Known(outage.public_id, outage.public_text, outage.started_at, outage.eta_at, asked)


# What became of it


@dataclass(frozen=True, slots=True)
class Counts:
    """How an outage stands, in numbers of members; ``told`` and the rest of it count notices of all updates.

    Who was taken out is counted as such and nowhere else among members.
    """

    members: int
    reported: int
    tickets: int
    open_tickets: int
    told: int
    no_address: int
    failed: int
    bounced: int
    asked: int
    yes: int
    no: int
    none: int
    waiting: int
    taken_out: int
    affected_now: int | None = field(default=None)


def count(outage: Outage, *, live: bool = False) -> Counts:
    """Four statements, and two more for who is affected at this moment (``live``)."""
    members = OutageMember.objects.filter(outage=outage).aggregate(
        members=Count("pk", filter=Q(taken_out_at=None)),
        taken_out=Count("pk", filter=Q(taken_out_at__isnull=False)),
        reported=Count("pk", filter=Q(reported_at__isnull=False, taken_out_at=None)),
        asked=Count("pk", filter=Q(asked_at__isnull=False)),
        yes=Count("pk", filter=Q(answer=BackAnswer.YES)),
        no=Count("pk", filter=Q(answer=BackAnswer.NO)),
        none=Count("pk", filter=Q(answer=BackAnswer.NONE)),
        waiting=Count("pk", filter=Q(answer="", asked_at__isnull=False)),
    )
    of_it = OutageNotice.objects.filter(update__outage=outage)
    notices = of_it.aggregate(
        told=Count("pk", filter=Q(state=NoticeState.TOLD)),
        no_address=Count("pk", filter=Q(state=NoticeState.NO_ADDRESS)),
        failed=Count("pk", filter=Q(state=NoticeState.FAILED)),
    )
    lost = [DeliveryState.BOUNCED, DeliveryState.FAILED]
    bounced = of_it.filter(message__deliveries__state__in=lost).count()
    tickets = OutageTicket.objects.filter(member__outage=outage).aggregate(
        tickets=Count("pk"), open_tickets=Count("pk", filter=~Q(ticket__state__in=["resolved", "closed", "cancelled"]))
    )
    now = count_affected(Reach.of(outage.scopes.all()), but_for=outage) if live else None
    return Counts(**members, **notices, **tickets, bounced=bounced, affected_now=now)


def list_updates(outage: Outage) -> list[OutageUpdate]:
    """What was said of it, newest first, each with ``told``, the number of members told."""
    return list(OutageUpdate.objects.filter(outage=outage).annotate(told=Count("notices")).order_by("-seq"))


def list_members(outage: Outage) -> QuerySet[OutageMember]:
    """Whom it concerns and who was taken out, newest first, with ``is_lost``: a mail to him came back or failed."""
    lost = OutageNotice.objects.filter(
        Q(state=NoticeState.FAILED)
        | Q(message__deliveries__state__in=[DeliveryState.BOUNCED, DeliveryState.FAILED]),
        member=OuterRef("pk"),
    )  # fmt: skip
    rows: QuerySet[OutageMember] = (
        OutageMember.objects.filter(outage=outage)
        .select_related("account", "site")
        .prefetch_related("tickets__ticket")
        .annotate(is_lost=Exists(lost))
        .order_by("-id")
    )
    return rows
