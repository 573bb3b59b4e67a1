"""Requests for telephone numbers of other providers, as this room keeps them. What is said to the clearing house is
said by the task handlers, between these transactions."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from boss.core import audit, crypto
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices.choices import PortState
from ipservices.models import PortRequest
from ipservices.services.numbers import e164
from subscribers.models import Subscription
from ticketing import selectors as desk
from ticketing.services import tickets
from workflow import selectors as workflow
from workflow.services import signals

SUBJECT_KIND = "ipservices.port_request"
SIGNAL = "port.answered"
"""What a run that waits for the clearing house is told when there is news."""

CATEGORY = "port"
FALLBACK_CATEGORY = "workflow-fallout"


@transactional
def prepare(
    *,
    actor: Actor,
    subscription: Subscription,
    number: str,
    losing_carrier: str,
    account_number: str,
    pin: str,
    loa: str,
    key: str,
    run_id: int,
) -> PortRequest:
    """Write down what is about to be asked. The same ``key`` gives the request there is, as it stands."""
    require(actor, "ipservices.manage_numbers")

    known: PortRequest | None = PortRequest.objects.select_for_update().filter(key=key).first()
    if known is not None:
        return known
    row: PortRequest = PortRequest.objects.create(
        subscription=subscription,
        number=e164(number),
        losing_carrier=losing_carrier,
        account_number=account_number,
        loa=loa[:120],
        key=key,
        run_id=run_id,
    )
    _seal_pin(row, pin)

    audit.record(actor=actor, action="port.asked", subject=row, after={"from": losing_carrier})
    return row


def pin_of(row: PortRequest) -> str:
    """The PIN in clear, for the clearing house's eyes only."""
    return crypto.open_sealed(row.sealed_pin, bound_to=place(row)) if row.sealed_pin else ""


@transactional
def submitted(*, actor: Actor, request: PortRequest, reference: str) -> PortRequest:
    """The clearing house has it, under ``reference``."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.ASKED:
        return row

    row.submitted()
    row.reference = reference
    row.save()

    audit.record(actor=actor, action="port.submitted", subject=row, after={"reference": reference})
    return row


@transactional
def rejected(*, actor: Actor, request: PortRequest, code: str, reason: str) -> PortRequest:
    """The losing carrier says no. Opens one ticket with the form for a corrected letter of authorization."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.SUBMITTED:
        return row

    row.rejected()
    row.reject_code, row.reject_reason = code[:20], reason[:200]
    row.save()
    tickets.open(
        actor=actor,
        category_key=CATEGORY if desk.find_category(CATEGORY) is not None else FALLBACK_CATEGORY,
        title=_("Port of %(number)s rejected: %(reason)s") % {"number": row.number, "reason": reason},
        body=_(
            "%(carrier)s rejected the request (%(code)s: %(reason)s). Ask the customer, have the letter of"
            " authorization corrected and enter what is right: the request is then sent again."
        )
        % {"carrier": row.losing_carrier, "code": code, "reason": reason},
        subject=(SUBJECT_KIND, row.pk),
        dedupe_key=_dedupe_key(row),
    )

    audit.record(actor=actor, action="port.rejected", subject=row, after={"code": code, "reason": reason})
    return row


@transactional
def correct(*, actor: Actor, request: PortRequest, account_number: str, pin: str, loa: str) -> PortRequest:
    """Enter what is right, and let the run that waits send it again. Nothing happens unless it stands rejected."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.REJECTED:
        return row

    row.corrected()
    row.tries += 1
    # The reference stays: the next submission replaces the rejected one.
    row.account_number, row.reject_code, row.reject_reason = account_number, "", ""
    row.loa = loa[:120] or row.loa
    row.save()
    if pin:
        _seal_pin(row, pin)

    audit.record(actor=actor, action="port.corrected", subject=row, after={"tries": row.tries})
    _tell_run(actor, row, f"corrected-{row.tries}")
    return row


@transactional
def heard(*, actor: Actor, request: PortRequest) -> PortRequest:
    """The clearing house has news: the run that waits looks at once instead of at its next look."""
    row = _locked(request)

    require(actor, "ipservices.manage_numbers")

    if row.state == PortState.SUBMITTED:
        _tell_run(actor, row, "")
        audit.record(actor=actor, action="port.heard", subject=row)
    return row


@transactional
def confirmed(*, actor: Actor, request: PortRequest, firm_on: dt.date) -> PortRequest:
    """The losing carrier lets the number go on that day."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.SUBMITTED:
        return row

    row.confirmed()
    row.firm_on = firm_on
    row.save()

    audit.record(actor=actor, action="port.confirmed", subject=row, after={"on": firm_on.isoformat()})
    return row


@transactional
def completed(*, actor: Actor, request: PortRequest) -> PortRequest:
    """Calls to the number come to us."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.CONFIRMED:
        return row

    row.completed()
    row.save()

    audit.record(actor=actor, action="port.completed", subject=row)
    return row


@transactional
def given_back(*, actor: Actor, request: PortRequest) -> PortRequest:
    """Undo of :func:`completed`."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state != PortState.COMPLETED:
        return row

    row.given_back()
    row.save()

    audit.record(actor=actor, action="port.given_back", subject=row)
    return row


@transactional
def cancelled(*, actor: Actor, request: PortRequest) -> PortRequest:
    """Nobody asks for the number any more; people need not correct anything."""
    row = _locked(request)
    require(actor, "ipservices.manage_numbers")
    if row.state == PortState.CANCELLED:
        return row

    before = row.state
    row.cancelled()
    row.save()
    tickets.close_obsolete(actor=actor, dedupe_key=_dedupe_key(row), reason=_("The port was cancelled."))

    audit.record(actor=actor, action="port.cancelled", subject=row, before={"state": before})
    return row


def _tell_run(actor: Actor, row: PortRequest, key: str) -> None:
    run = workflow.find_run(row.run_id) if row.run_id is not None else None
    if run is not None and not run.is_closed:
        # Whoever may work on the number may say how it stands; telling the run follows from it.
        machine = Actor.system(actor.realm_id, actor.label)
        signals.send(actor=machine, run=run, name=SIGNAL, key=f"{row.public_id}-{key}" if key else "")


def _seal_pin(row: PortRequest, pin: str) -> None:
    row.sealed_pin = crypto.seal(pin, bound_to=place(row)) if pin else ""
    row.save(update_fields=["sealed_pin"])


def place(row: PortRequest) -> str:
    """What a request's sealed PIN is bound to."""
    return f"ipservices.port_request:{row.realm_id}:{row.pk}:pin"


def _dedupe_key(row: PortRequest) -> str:
    return f"{SUBJECT_KIND}:{row.pk}"


def _locked(request: PortRequest) -> PortRequest:
    row: PortRequest = PortRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    return row
