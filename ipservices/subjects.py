"""Services as the subject of tickets."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.permissions import may
from ipservices.models import Service
from ticketing.contracts import SubjectCard, SubjectKind


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
)
