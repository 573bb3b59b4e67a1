"""Telephone numbers: adding blocks, setting one aside, bringing one along, giving it back."""

from __future__ import annotations

import re
from datetime import timedelta

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service as transactional
from boss.tenancy import selectors as tenancy
from ipservices import selectors
from ipservices.choices import NumberState
from ipservices.errors import NumbersExhausted, NumberTaken
from ipservices.models import PhoneNumber, Service

MOST_AT_ONCE = 10_000
REST_DAYS = 60
MOST_REST_DAYS = 3650
NOBODYS = (NumberState.AVAILABLE, NumberState.QUARANTINED, NumberState.LEFT)

log = structlog.get_logger(__name__)


def e164(text: str, country_code: str = "1") -> str:
    """A number as people type it, in E.164 (``+15550100``). Raises InvalidInput."""
    digits = re.sub(r"[\s().-]", "", text)
    number = digits if digits.startswith("+") else f"+{country_code}{digits.removeprefix(country_code)}"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise InvalidInput(fields={"number": [_("Enter a phone number, for instance +1 555 0100.")]})
    return number


@transactional
def add_block(*, actor: Actor, first: str, count: int, area: str = "") -> int:
    """Add ``count`` numbers from ``first`` on; how many were new. Those already there stay as they are."""
    require(actor, "ipservices.manage_numbers")

    start = int(e164(first))
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidInput(fields={"count": [_("Add between 1 and %(most)s numbers.") % {"most": MOST_AT_ONCE}]})

    before = PhoneNumber.objects.count()
    rows = [PhoneNumber(number=f"+{start + step}", area=area) for step in range(count)]
    PhoneNumber.objects.bulk_create(rows, ignore_conflicts=True)
    added = int(PhoneNumber.objects.count() - before)

    if added:
        audit.record(
            actor=actor, action="numbers.added", subject=PhoneNumber(number=f"+{start}"), after={"count": added}
        )
    return added


@transactional
def reserve(*, actor: Actor, service: Service | None = None, number: str = "", key: str = "") -> PhoneNumber:
    """Set a number aside: ``number``, or the lowest free one. The same non-empty ``key`` gives the same one again.

    One that still rests is not free; ``end_rest`` makes it so.

    Raises NumberTaken or NumbersExhausted.
    """
    require(actor, "ipservices.manage_numbers")

    earlier: PhoneNumber | None = PhoneNumber.objects.filter(key=key).first() if key else None
    if earlier is not None:
        return earlier
    free = selectors.free_numbers()
    if number:
        chosen = free.select_for_update().filter(number=e164(number)).first()
        if chosen is None:
            raise NumberTaken(fields={"number": [str(NumberTaken.title)]}, number=number)
    else:
        chosen = free.select_for_update(skip_locked=True).order_by("number").first()
        if chosen is None:
            raise NumbersExhausted
    row: PhoneNumber = chosen

    row.reserve()
    row.service = service
    row.key = key
    row.save()

    audit.record(actor=actor, action="number.reserved", subject=row, after={"service": service and service.pk})
    return row


@transactional
def bring_along(
    *, actor: Actor, number: str, losing_carrier: str, service: Service | None = None, key: str = ""
) -> PhoneNumber:
    """Enter a number that a subscriber brings from another provider. Raises NumberTaken when it is already ours."""
    require(actor, "ipservices.manage_numbers")

    wanted = e164(number)
    present: PhoneNumber | None = PhoneNumber.objects.select_for_update().filter(number=wanted).first()
    if present is not None and key and present.key == key:
        return present
    if present is not None and present.state != NumberState.LEFT:
        raise NumberTaken(fields={"number": [str(NumberTaken.title)]}, number=number)

    row = present or PhoneNumber(number=wanted, state=NumberState.LEFT)
    row.bring_again()
    row.service = service
    row.key = key
    row.losing_carrier = losing_carrier
    row.save()

    audit.record(actor=actor, action="number.porting_in", subject=row, after={"from": losing_carrier})
    return row


@transactional
def put_in_service(*, actor: Actor, number: PhoneNumber) -> None:
    """Its line works now. Nothing happens when it already is in service."""
    row: PhoneNumber = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    require(actor, "ipservices.manage_numbers")
    if row.state == NumberState.ASSIGNED:
        return

    row.assign()
    row.save()

    audit.record(actor=actor, action="number.assigned", subject=row)


@transactional
def release(*, actor: Actor, number: PhoneNumber, rest: bool = True) -> None:
    """Give a number back: ours rests and is free after that, one that was brought along goes where it came from.

    ``rest=False`` is for an undo: what the run set aside is free at once, as it was before.
    """
    row: PhoneNumber = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    require(actor, "ipservices.manage_numbers")
    if row.state in NOBODYS:
        return

    before = row.state
    days = rest_days(row.realm_id) if rest else 0
    if row.losing_carrier:
        row.give_back()
    elif days:
        row.rest(timezone.now() + timedelta(days=days))
    else:
        row.release()
    row.service = None
    row.key = ""
    row.save()

    after = {"state": row.state} | ({"free_from": row.available_from.isoformat()} if row.available_from else {})
    audit.record(actor=actor, action="number.released", subject=row, before={"state": before}, after=after)


@transactional
def take_back(*, actor: Actor, number: str, service: Service, key: str) -> PhoneNumber:
    """The undo of ``release``: set aside again for the line that had it under this ``key``, resting or free.

    Raises NumberTaken when somebody else has it, or had it since.
    """
    row: PhoneNumber | None = PhoneNumber.objects.select_for_update().filter(number=number).first()
    require(actor, "ipservices.manage_numbers")
    if row is not None and key and row.key == key:
        return row
    its_own = row is not None and row.state == NumberState.QUARANTINED and row.former_key == key
    if row is None or not (its_own or row.state == NumberState.AVAILABLE):
        raise NumberTaken(fields={"number": [str(NumberTaken.title)]}, number=number)

    before = row.state
    row.reserve()
    row.service = service
    row.key = key
    row.save()

    audit.record(
        actor=actor, action="number.taken_back", subject=row, before={"state": before}, after={"service": service.pk}
    )
    return row


@transactional
def end_rest(*, actor: Actor, number: PhoneNumber) -> PhoneNumber:
    """Somebody decides that a resting number is free now. Nothing happens when it does not rest."""
    row: PhoneNumber = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    require(actor, "ipservices.manage_numbers")
    if row.state != NumberState.QUARANTINED:
        return row

    until = row.available_from
    row.end_rest()
    row.save()

    audit.record(
        actor=actor,
        action="number.rest_ended",
        subject=row,
        before={"state": NumberState.QUARANTINED, "free_from": until and until.isoformat()},
        after={"state": row.state},
    )
    return row


def rest_days(realm_id: int) -> int:
    """How long a number rests that was in use. A realm may set ``provisioning.number_quarantine_days``; 0: not at all.

    What is no number of days counts as not set, for too short a rest cannot be made good.
    """
    own = tenancy.get_realm(realm_id).settings.get("provisioning", {})
    days = own.get("number_quarantine_days", REST_DAYS)
    if isinstance(days, int) and not isinstance(days, bool) and 0 <= days <= MOST_REST_DAYS:
        return days
    log.warning("number_quarantine_days_unusable", realm=realm_id, value=days)
    return REST_DAYS
