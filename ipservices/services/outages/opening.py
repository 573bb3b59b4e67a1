"""Opening an outage: its ticket, what is out, and whom that concerns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import Organization, Site
from boss.tenancy.selectors import normalise_address
from ipservices import outages
from ipservices.choices import CameBy, OutageScopeKind, OutageUpdateKind
from ipservices.models import Binding, Outage, OutageMember, OutageScope
from ipservices.outages import Reach
from ipservices.services.outages import saying
from ticketing import selectors as ticketing
from ticketing.choices import CategoryKind
from ticketing.models import Category
from ticketing.services import tickets

SUBJECT = "ipservices.outage"
MOST_SCOPES = 500
_PAGE = 1000
_NAMES = {
    OutageScopeKind.NODE: "access_node",
    OutageScopeKind.POSTAL_CODE: "postal_code",
    OutageScopeKind.CITY: "city",
}


@service
def open(
    *,
    actor: Actor,
    category_key: str,
    title: str,
    text: str,
    scopes: Sequence[tuple[str, str]],
    eta_at: dt.datetime | None = None,
    by_mail: bool = True,
    trouble_category_key: str = "",
    note: str = "",
    data: Mapping[str, Any] | None = None,
) -> Outage:
    """Open an outage: a ticket in a category of the kind "incident", and everybody in ``scopes`` its member.

    ``scopes`` are pairs of a kind (``OutageScopeKind``) and a name: a node, a postal code, a town, an address, or the
    public id of a site, an organization or a server. ``text`` is what those concerned read, ``note`` is for staff.
    With ``by_mail`` each is told by e-mail, once, after the commit. ``trouble_category_key``: where tickets of people
    go who say later that their service is not back; the first category offered to customers when empty.
    Raises :class:`InvalidInput` with fields ``category``, ``title``, ``text``, ``scopes``, ``eta_at``.
    """
    require(actor, "ipservices.manage_outages")

    category = ticketing.find_category(category_key)
    if category is None or category.is_archived or category.kind != CategoryKind.INCIDENT:
        raise InvalidInput(fields={"category": [_("Choose a category of the kind incident.")]})
    trouble = _trouble_category(trouble_category_key)
    text = saying.checked(text, eta_at)
    rows = read_scopes(scopes)

    outage: Outage = Outage.objects.create(
        public_text=text, eta_at=eta_at, started_at=clock.now(), opened_by=actor.label[:200], trouble_category=trouble
    )
    outage.ticket = tickets.open(
        actor=actor, category_key=category.key, title=title, subject=(SUBJECT, outage.pk), data=data
    )
    outage.save()
    if note.strip():
        tickets.add_message(actor=actor, ticket=outage.ticket, body=note, kind="internal")
    for row in rows:
        row.outage = outage
    OutageScope.objects.bulk_create(rows)
    count = take_in(outage)

    told = {"ticket": outage.ticket.number, "scopes": [f"{row.kind}: {row.label}" for row in rows[:20]]}
    audit.record(actor=actor, action="outage.opened", subject=outage, after={**told, "members": count})
    saying.say(outage, actor=actor, kind=OutageUpdateKind.OPENED, by_mail=by_mail)
    return outage


def take_in(outage: Outage) -> int:
    """Write down as members who is in scope now and was not before; how many. In the caller's transaction."""
    now = clock.now()
    known = set(OutageMember.objects.filter(outage=outage).values_list("account_id", flat=True))
    new = [pair for pair in outages.affected(Reach.of(outage.scopes.all())).items() if pair[0] not in known]
    made = OutageMember.objects.bulk_create(
        [
            OutageMember(outage=outage, account_id=account, site_id=site, came_by=CameBy.SCOPE, joined_at=now)
            for account, site in sorted(new)
        ],
        batch_size=_PAGE,
        ignore_conflicts=True,  # somebody who asks to be told at this moment is written down by himself
    )
    return len(made)


def read_scopes(given: Iterable[tuple[str, str]]) -> list[OutageScope]:
    """What was named, each once, not yet saved. Raises :class:`InvalidInput` with field ``scopes``."""
    asked = [(kind, " ".join(name.split())) for kind, name in given]
    if len(asked) > MOST_SCOPES:
        raise InvalidInput(fields={"scopes": [_("At most %(n)s.") % {"n": MOST_SCOPES}]})
    known = _known_names(asked)
    found: dict[tuple[str, Any], OutageScope] = {}
    wrong = []
    for kind, name in asked:
        if kind in _NAMES:
            rows = [OutageScope(kind=kind, value=name)] if (kind, name) in known else []
        else:
            rows = _read(kind, name) if name else []
        if not rows:
            label = OutageScopeKind(kind).label if kind in OutageScopeKind.values else kind
            wrong.append(_("%(kind)s: %(name)s is not known.") % {"kind": label, "name": name or "?"})
        for row in rows:
            named = row.site_id or row.organization_id or row.binding_id or row.value
            found.setdefault((row.kind, named), row)
    if wrong:
        raise InvalidInput(fields={"scopes": wrong[:10]})
    if not found:
        raise InvalidInput(fields={"scopes": [_("Say what is out.")]})
    if len(found) > MOST_SCOPES:
        raise InvalidInput(fields={"scopes": [_("At most %(n)s.") % {"n": MOST_SCOPES}]})
    return list(found.values())


def _known_names(asked: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which nodes, postal codes and towns there are sites of: one statement a kind."""
    found = set()
    for kind, column in _NAMES.items():
        names = {name for one, name in asked if one == kind and name}
        if names:
            rows = Site.objects.filter(**{f"{column}__in": names}).order_by().values_list(column, flat=True)
            found |= {(str(kind), name) for name in rows.distinct()}
    return found


def _read(kind: str, name: str) -> list[OutageScope]:
    if kind == OutageScopeKind.SITE:
        return [OutageScope(kind=kind, site=site) for site in _sites(name)]
    if kind == OutageScopeKind.ORGANIZATION:
        owner = Organization.objects.filter(public_id=name).first() or Organization.objects.filter(name=name).first()
        return [OutageScope(kind=kind, organization=owner)] if owner else []
    if kind == OutageScopeKind.SERVER:
        server = Binding.objects.filter(public_id=name).first() or Binding.objects.filter(name=name).first()
        return [OutageScope(kind=kind, binding=server)] if server else []
    return []


def _sites(name: str) -> list[Site]:
    """The site of this id, or those whose address this is or begins with: all units of a house."""
    by_id = list(Site.objects.filter(public_id=name))
    if by_id:
        return by_id
    norm = normalise_address(name)
    if not norm:
        return []
    # As ranges of an index: the address itself, and what goes on after a blank.
    rows = Site.objects.filter(address_norm=norm) | Site.objects.filter(
        address_norm__gte=f"{norm} ", address_norm__lt=f"{norm}!"
    )
    return list(rows.order_by("address_norm")[: MOST_SCOPES + 1])


def _trouble_category(key: str) -> Category | None:
    if not key:
        return next((each for each in ticketing.list_portal_categories() if each.kind == CategoryKind.SUPPORT), None)
    found = ticketing.find_category(key)
    if found is None or found.is_archived:
        raise InvalidInput(fields={"trouble_category": [_("There is no such category.")]})
    return found
