"""Reads of policies: which there are, which holds where, and why a ticket is due when it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing import closing
from ticketing.choices import OPEN_STATES, TicketState
from ticketing.closing import ClosingRules
from ticketing.models import Category, Policy, PolicyUse, PolicyVersion, SlaClock, SlaPause, SlaTerm, Ticket, TicketLink
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.registry import condition_kinds
from ticketing.sla import rules
from ticketing.sla.kinds import ClockKind, PolicyKind
from ticketing.sla.rules import Facts, SlaRules

VIEW = "ticketing.manage_policies"


def list_policies(actor: Actor, kind: str = "") -> ScopedQuerySet:
    """The realm's policies by name, with what holds of each and where it is used."""
    uses = PolicyUse.objects.select_related("category").order_by("category__name")
    rows: ScopedQuerySet = Policy.objects.visible_to(actor, VIEW).select_related("current").order_by("name", "id")
    if kind:
        rows = rows.filter(kind=kind)
    return rows.prefetch_related(Prefetch("uses", uses))


def uses_of(policy: Policy) -> list[PolicyUse]:
    """Where a policy that was listed is used; the listing has asked for it."""
    return list(policy.uses.all())


def get_policy(actor: Actor, public_id: str) -> Policy:
    """Raises :class:`boss.core.problems.NotFound`."""
    policy: Policy | None = list_policies(actor).filter(public_id=public_id).first()
    if policy is None:
        raise NotFound(policy=public_id)
    return policy


def list_versions(policy: Policy) -> ScopedQuerySet:
    """What was published, newest first."""
    versions: ScopedQuerySet = PolicyVersion.objects.filter(policy=policy).order_by("-number")
    return versions


def get_version(policy: Policy, number: int) -> PolicyVersion:
    """Raises :class:`boss.core.problems.NotFound`."""
    version: PolicyVersion | None = list_versions(policy).filter(number=number).first()
    if version is None:
        raise NotFound(version=number)
    return version


@dataclass(frozen=True, slots=True)
class Held:
    """What holds in a category: the version of a policy, or (without one) the category's own two targets, and whose
    setting it is: ``category``, ``parent`` or ``realm``."""

    version: PolicyVersion | None
    rules: SlaRules
    of: str


def sla_of(category: Category) -> Held | None:
    """The promised times of a category: the nearest that says something, of itself, the one above it, the realm.

    On each step a policy goes before the category's own two targets. None when nothing is promised.
    """
    uses = _uses(PolicyKind.SLA, category.pk)
    for one, of in ((category, "category"), (category.parent, "parent")):
        if one is None:
            continue
        if (version := uses.get(one.pk)) is not None:
            return Held(version, rules.read(version.rules), of)
        if (simple := own_targets(one)) is not None:
            return Held(None, simple, of)
    version = uses.get(None)
    return Held(version, rules.read(version.rules), "realm") if version is not None else None


def version_for(kind: str, category_id: int) -> PolicyVersion | None:
    """The published version of this kind of policy that holds in a category: its own, else that of the one above, else
    the realm's. One statement, and the category itself need not be read."""
    uses = _uses(kind, category_id)
    of_parent = next((at for at in uses if at not in (category_id, None)), None)
    return uses.get(category_id) or uses.get(of_parent) or uses.get(None)


def closing_of(category_id: int) -> ClosingRules:
    """The closing rules of a category: the nearest that were published, else none."""
    version = version_for(PolicyKind.CLOSING, category_id)
    return closing.read(version.rules) if version is not None else closing.NOTHING


def own_targets(category: Category) -> SlaRules | None:
    """A category's two targets as the simple form of a policy: around the clock, still while the customer's move."""
    targets = {
        ClockKind.FIRST.value: category.first_reply_target,
        ClockKind.RESOLVE.value: category.resolve_target,
    }
    given = {kind: target for kind, target in targets.items() if target}
    return SlaRules((rules.Row(given),)) if given else None


def facts_of(ticket: Ticket, asks: Collection[str] = (), accounts: Collection[int] | None = None) -> Facts:
    """What the rows of a policy ask of a ticket; ``asks`` are the further conditions any of them has.

    ``accounts``: what a ticket that is being opened will be linked to.
    """
    return facts_of_all([ticket], asks, None if accounts is None else [accounts])[0]


def facts_of_all(
    tickets: Sequence[Ticket], asks: Collection[str] = (), accounts: Sequence[Collection[int]] | None = None
) -> list[Facts]:
    """The same for several, in their order: as many statements for twenty as for one."""
    of: dict[str, Sequence[frozenset[str]]] = {}
    sources = [source for _key, source in condition_kinds if source.key in asks]
    if sources:
        named = accounts if accounts is not None else _accounts_of(tickets)
        of = {source.key: source.of(tickets, named) for source in sources}
    return [
        Facts(ticket.priority, _is_business(ticket), {name: values[index] for name, values in of.items()})
        for index, ticket in enumerate(tickets)
    ]


def known_conditions() -> dict[str, list[tuple[str, str]]]:
    """What rows may ask for, by the name of the condition: keys with their words."""
    return {source.key: [(key, str(label)) for key, label in source.choices()] for _key, source in condition_kinds}


def _is_business(ticket: Ticket) -> bool:
    requester = ticket.requester
    return ticket.organization_id is not None or (requester is not None and requester.organization_id is not None)


def _accounts_of(tickets: Sequence[Ticket]) -> list[set[int]]:
    found: dict[int, set[int]] = {}
    rows = TicketLink.objects.filter(ticket__in=tickets, account_id__isnull=False)
    for ticket_id, account_id in rows.values_list("ticket_id", "account_id"):
        found.setdefault(ticket_id, set()).add(account_id)
    return [found.get(ticket.pk, set()) for ticket in tickets]


def _uses(kind: str, category_id: int) -> dict[int | None, PolicyVersion]:
    """What is published for the category, the one above it and (None) the whole realm."""
    parent = Category.objects.filter(pk=category_id).values("parent_id")
    at = Q(category_id=category_id) | Q(category_id__in=parent) | Q(category=None)
    uses = PolicyUse.objects.filter(at, kind=kind, policy__is_archived=False).select_related("policy__current")
    return {use.category_id: use.policy.current for use in uses if use.policy.current is not None}


def list_clocks(actor: Actor, ticket: Ticket) -> list[SlaClock]:
    """All promises of a ticket, those that run first, with terms and pauses. For staff. Three statements."""
    rows = SlaClock.objects.filter(ticket=ticket).visible_to(actor, VIEW_INTERNAL)
    terms = SlaTerm.objects.select_related("calendar", "policy_version__policy").order_by("pk")
    clocks = list(rows.prefetch_related(Prefetch("terms", terms), Prefetch("pauses", SlaPause.objects.order_by("pk"))))
    order = {kind: index for index, kind in enumerate(ClockKind.values)}
    return sorted(clocks, key=lambda each: (each.stopped_at is not None, order[each.kind], -each.round))


def where_it_holds(policy: Policy) -> list[Category]:
    """The categories in which this policy is the one that holds, nearest wins. Two statements."""
    uses = {use.category_id: use.policy_id for use in PolicyUse.objects.filter(kind=policy.kind)}
    simple = policy.kind == PolicyKind.SLA
    found = []
    for category in Category.objects.select_related("parent").order_by("name", "id"):
        for one in (category, category.parent):
            if one is not None and (one.pk in uses or (simple and own_targets(one) is not None)):
                holds = uses.get(one.pk)
                break
        else:
            holds = uses.get(None)
        if holds == policy.pk:
            found.append(category)
    return found


def open_under(policy: Policy) -> ScopedQuerySet:
    """The open tickets that are promised something by this policy, or would be if they were opened now."""
    tickets: ScopedQuerySet = Ticket.objects.filter(state__in=states_under(policy), category__in=where_it_holds(policy))
    return tickets


def states_under(policy: Policy | None) -> tuple[str, ...]:
    """The states in which a policy still does something: closing rules also close what is resolved."""
    resolved = (TicketState.RESOLVED,) if policy is not None and policy.kind == PolicyKind.CLOSING else ()
    return (*OPEN_STATES, *resolved)


def open_by_calendar(key: str) -> ScopedQuerySet:
    """The open tickets with a clock that runs by this calendar."""
    clocks = SlaTerm.objects.filter(clock__ticket_id=OuterRef("pk"), clock__stopped_at=None, calendar__key=key)
    tickets: ScopedQuerySet = Ticket.objects.filter(Exists(clocks), state__in=OPEN_STATES)
    return tickets
