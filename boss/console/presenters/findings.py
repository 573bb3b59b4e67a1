"""In what servers differ, as the console shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters import services as present_services
from boss.console.presenters.marks import FINDING, RESOLUTION, mark
from boss.console.presenters.words import label, plain
from boss.core.actors import Actor
from boss.core.crypto import masked
from boss.look.marks import Mark
from ipservices import selectors
from ipservices.choices import FindingKind, FindingWay
from ipservices.families import kinds
from ipservices.models import Binding, Comparison, Finding, Service
from ipservices.services import findings

MOST_VALUE = 400

IN_WORK = Mark(gettext_lazy("Being resolved"), "loader-2", "busy")


def url_of(finding: Finding) -> str:
    return reverse("console:finding", args=[finding.public_id])


@dataclass(frozen=True, slots=True)
class Line:
    """One field with both its values."""

    label: str
    wanted: str
    found: str


def differences(kept: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Fields with the wanted and the found value, in words; secrets masked, long lists cut."""
    return [Line(label(one["field"]), _value(one, "wanted"), _value(one, "found")) for one in kept]


def _value(one: Mapping[str, Any], side: str) -> str:
    if one["field"] == "presence":
        return _("there") if one[side] == "present" else _("not there")
    text = plain(masked({one["field"]: one[side]})[one["field"]])
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE]} …"


@dataclass(frozen=True, slots=True)
class FindingRow:
    kind: Mark
    state: Mark | None
    noun: str
    name: str
    reason: str
    server: str
    url: str
    account: str
    account_url: str
    first_seen_at: datetime
    last_seen_at: datetime


def row(finding: Finding) -> FindingRow:
    account = finding.service.account if finding.service else None
    known = kinds.find(finding.full_kind)
    state = None
    if finding.is_being_resolved:
        state = IN_WORK
    elif finding.resolution:
        state = mark(RESOLUTION, finding.resolution)
    return FindingRow(
        kind=mark(FINDING, finding.kind),
        state=state,
        noun=known.noun if known else finding.full_kind,
        name=finding.name or (finding.service.title if finding.service else ""),
        reason=finding.reason,
        server=finding.binding.name,
        url=url_of(finding),
        account=account.name if account else "",
        account_url=reverse("console:account", args=[account.public_id]) if account else "",
        first_seen_at=finding.first_seen_at,
        last_seen_at=finding.last_seen_at,
    )


@dataclass(frozen=True, slots=True)
class Button:
    """What can be done about a finding, and what it means."""

    way: str
    label: str
    means: str
    icon: str
    is_dangerous: bool


def buttons(finding: Finding) -> list[Button]:
    """In the order people decide in: what BOSS wants first."""
    possible = findings.ways(finding)
    return [_button(finding, way) for way in FindingWay if way in possible]


def _button(finding: Finding, way: FindingWay) -> Button:
    known = kinds.find(finding.full_kind)
    if way == FindingWay.PUT_BACK:
        return Button(way, _("Put back as it was"), _("The server and the service are then as they were found."),
                      "arrow-back-up", False)  # fmt: skip
    if way == FindingWay.ADOPT:
        means = (
            _("The object goes to the service of this name: it is made anew under that service's id.")
            if finding.kind == FindingKind.ORPHAN
            else _("What the server holds becomes what is wanted. Nothing changes at the server.")
        )
        return Button(way, _("Take over what is there"), means, "arrows-exchange", False)
    explained, words, dangerous = _REPAIRS[FindingKind(finding.kind)]
    means = str(explained)
    if dangerous and known is not None and known.has_content:
        return Button(way, str(words), _("%(means)s What its owner has put there is lost with it.") % {"means": means},
                      "ban", True)  # fmt: skip
    return Button(way, str(words), means, "ban" if dangerous else "check", dangerous)


_REPAIRS = {
    FindingKind.DRIFT: (gettext_lazy("The server is set to what is wanted."), gettext_lazy("Repair"), False),
    FindingKind.MISSING: (gettext_lazy("It is set up again at the server."), gettext_lazy("Repair"), False),
    FindingKind.OUTDATED: (gettext_lazy("The service becomes what is sold."), gettext_lazy("Repair"), False),
    FindingKind.UNPLANNED: (
        gettext_lazy("What is sold is planned, reserved and set up, as by an order."), gettext_lazy("Set up"), False,
    ),
    FindingKind.UNSOLD: (
        gettext_lazy("The service ends and is taken off its server."), gettext_lazy("End the service"), True,
    ),
    FindingKind.ORPHAN: (
        gettext_lazy("It is taken off the server, when it still carries this id and no living service has it."),
        gettext_lazy("Remove from the server"), True,
    ),
}  # fmt: skip


def why_not(finding: Finding) -> list[str]:
    """Why an open finding can be neither repaired nor taken over."""
    if finding.resolved_at is not None or finding.is_being_resolved or findings.ways(finding):
        return []
    return [why for way in (FindingWay.REPAIR, FindingWay.ADOPT) if (why := findings.obstacle(finding, way))]


@dataclass(frozen=True, slots=True)
class Compared:
    """The latest comparison of a server, and what stands open about it."""

    when: datetime | None = None
    is_running: bool = False
    error: str = ""
    looked_at: int = 0
    counts: list[tuple[Mark, int]] = field(default_factory=list)
    url: str = ""

    @property
    def total(self) -> int:
        return sum(count for _mark, count in self.counts)


def of_servers(actor: Actor) -> dict[str, Compared]:
    """By the server's public id; two statements for all servers."""
    if not actor.holds("ipservices.view_finding"):
        return {}
    latest = selectors.latest_comparisons(actor)
    counted = selectors.count_open_findings(actor)
    return {binding.public_id: _compared(binding, latest, counted) for binding in selectors.list_bindings(actor)}


def _compared(binding: Binding, latest: Mapping[int, Comparison], counted: Mapping[tuple[int, str], int]) -> Compared:
    comparison = latest.get(binding.pk)
    counts = [(mark(FINDING, kind), counted[binding.pk, kind]) for kind in FINDING if (binding.pk, kind) in counted]
    url = f"{reverse('console:findings')}?server={binding.public_id}"
    if comparison is None:
        return Compared(counts=counts, url=url)
    return Compared(
        when=comparison.finished_at or comparison.started_at,
        is_running=comparison.finished_at is None,
        error=comparison.error,
        looked_at=comparison.counts.get("services", 0),
        counts=counts,
        url=url,
    )


def open_of_service(actor: Actor, service: Service) -> list[FindingRow]:
    """What stands open about a service."""
    if not actor.holds("ipservices.view_finding"):
        return []
    return [row(each) for each in selectors.list_findings(actor).filter(service=service, resolved_at=None)[:5]]


def server_url(binding: Binding) -> str:
    return f"{reverse('console:practice')}#server-{binding.public_id}"


def service_url(finding: Finding) -> str:
    return present_services.url_of(finding.service) if finding.service else ""
