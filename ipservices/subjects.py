"""Services, and requests for other providers' numbers, as the subject of tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.schema import Characteristic
from ipservices import live
from ipservices.choices import PortState
from ipservices.models import Finding, PortRequest, Service
from ipservices.services import findings, porting
from ticketing.contracts import Outcome, ReferenceKind, SubjectCard, SubjectKind
from ticketing.models import Ticket
from workflow.contracts import RunEnd, RunSubjectKind


def _find(service_id: int) -> Service | None:
    row: Service | None = Service.objects.select_related("account", "binding").filter(pk=service_id).first()
    return row


def describe(service_id: int) -> SubjectCard:
    row = _find(service_id)
    if row is None:
        return SubjectCard(label=_("A service that is gone"))
    server = (_("at %(server)s") % {"server": row.binding.name},) if row.binding else ()
    return SubjectCard(
        label=str(row),
        url=f"/console/accounts/{row.account.public_id}/",
        lines=(str(row.get_state_display()), str(row.account), *server),
    )


def account_id(service_id: int) -> int | None:
    row = _find(service_id)
    return None if row is None else row.account_id


def may_link(actor: Actor, service_id: int) -> bool:
    """A subscriber may open a ticket about a service that he may see."""
    row = _find(service_id)
    return row is not None and may(actor, "ipservices.view_service", row)


SERVICE = SubjectKind(
    key="ipservices.service",
    title=gettext_lazy("Service"),
    describe=describe,
    account_id=account_id,
    may_link=may_link,
    live=live.services,
    search=live.found_services,
    identify=live.identify_service,
)


def _find_port(request_id: int) -> PortRequest | None:
    row: PortRequest | None = PortRequest.objects.select_related("subscription__account").filter(pk=request_id).first()
    return row


def describe_port(request_id: int) -> SubjectCard:
    row = _find_port(request_id)
    if row is None:
        return SubjectCard(label=_("A port request that is gone"))
    said = (f"{row.reject_code}: {row.reject_reason}",) if row.reject_code else ()
    return SubjectCard(
        label=_("Port of %(number)s") % {"number": row.number},
        url=f"/console/accounts/{row.subscription.account.public_id}/",
        lines=(str(row.get_state_display()), row.losing_carrier, str(row.subscription.account), *said),
    )


def port_outcomes(ticket: Ticket) -> Sequence[Outcome]:
    """A rejected request is corrected; otherwise the ticket ends freely."""
    row = _find_port(ticket.subject_id) if ticket.subject_id is not None else None
    if row is None or row.state != PortState.REJECTED:
        return ()
    form = (
        Characteristic(
            "account_number", "text", "Account number there", required=True, max_length=40, default=row.account_number
        ),
        Characteristic("pin", "text", "PIN there", max_length=20, help="Blank: as before."),
        Characteristic("loa", "text", "Letter of authorization", max_length=120, help="Blank: as before."),
    )
    return (Outcome("corrected", gettext_lazy("Corrected: send it again"), form),)


def port_resolved(actor: Actor, ticket: Ticket, outcome_key: str, values: Mapping[str, Any]) -> None:
    """The right to resolve the ticket is the right to correct the request."""
    row = _find_port(ticket.subject_id) if ticket.subject_id is not None else None
    if row is None or outcome_key != "corrected":
        return
    porting.correct(
        actor=Actor.system(actor.realm_id, actor.label),
        request=row,
        account_number=str(values["account_number"]),
        pin=str(values.get("pin") or ""),
        loa=str(values.get("loa") or ""),
    )


def _account_of_port(request_id: int) -> int | None:
    row = _find_port(request_id)
    return None if row is None else row.subscription.account_id


PORT_REQUEST = SubjectKind(
    key=porting.SUBJECT_KIND,
    title=gettext_lazy("Port request"),
    describe=describe_port,
    outcomes=port_outcomes,
    resolved=port_resolved,
    account_id=_account_of_port,
)


def _find_finding(finding_id: int) -> Finding | None:
    row: Finding | None = Finding.objects.select_related("service", "binding").filter(pk=finding_id).first()
    return row


def _finding_label(finding_id: int) -> str:
    row = _find_finding(finding_id)
    return "" if row is None else f"{row.get_kind_display()}: {row.name}"


def _finding_url(finding_id: int) -> str:
    row = _find_finding(finding_id)
    return "" if row is None else f"/console/network/findings/{row.public_id}/"


def _account_of_finding(finding_id: int) -> int | None:
    row = _find_finding(finding_id)
    return None if row is None or row.service is None else row.service.account_id


def _finding_closed(actor: Actor, run: Any, end: RunEnd) -> None:
    row = _find_finding(run.subject_id)
    if row is not None:
        findings.close_with_run(actor=actor, finding=row, end=end)


def _finding_labels(ids: Sequence[int]) -> Mapping[int, str]:
    rows = Finding.objects.filter(pk__in=list(ids)).select_related("binding")
    return {row.pk: f"{row.get_kind_display()}: {row.name} · {row.binding.name}" for row in rows}


FINDING_RUNS = RunSubjectKind(
    key=findings.SUBJECT_KIND,
    title=gettext_lazy("Server finding"),
    label=_finding_label,
    url=_finding_url,
    account_id=_account_of_finding,
    closed=_finding_closed,
    labels=_finding_labels,
)


def describe_finding(finding_id: int) -> SubjectCard:
    row = _find_finding(finding_id)
    if row is None:
        return SubjectCard(label=_("A finding that is gone"))
    return SubjectCard(
        label=_finding_label(finding_id),
        url=_finding_url(finding_id),
        lines=(row.reason, row.binding.name),
    )


FINDING = SubjectKind(
    key=findings.SUBJECT_KIND,
    title=gettext_lazy("Server finding"),
    describe=describe_finding,
    account_id=_account_of_finding,
)


def _named_service(actor: Actor, public_id: str) -> SubjectCard | None:
    row: Service | None = (
        Service.objects.visible_to(actor).select_related("account").filter(public_id=public_id).first()
    )
    return None if row is None else SubjectCard(str(row), f"/console/accounts/{row.account.public_id}/")


SERVICE_REFERENCE = ReferenceKind(
    "service", gettext_lazy("Service"), _named_service, gettext_lazy("the service's id, the last part of its address")
)


def _named_device(actor: Actor, public_id: str) -> SubjectCard | None:
    """A device at a customer's is a service of its family: the inventory has no other row for it."""
    rows = Service.objects.visible_to(actor).select_related("account")
    row: Service | None = rows.filter(public_id=public_id, family="cpe").first()
    return None if row is None else SubjectCard(str(row), f"/console/accounts/{row.account.public_id}/")


DEVICE_REFERENCE = ReferenceKind(
    "device", gettext_lazy("Device"), _named_device, gettext_lazy("the device's id, the last part of its address")
)
