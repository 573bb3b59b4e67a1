"""Telephone numbers: adding blocks, setting one aside, bringing one along, giving it back."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service as transactional
from ipservices.choices import NumberState
from ipservices.errors import NumbersExhausted, NumberTaken
from ipservices.models import PhoneNumber, Service

MOST_AT_ONCE = 10_000


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

    Raises NumberTaken or NumbersExhausted.
    """
    require(actor, "ipservices.manage_numbers")

    earlier: PhoneNumber | None = PhoneNumber.objects.filter(key=key).first() if key else None
    if earlier is not None:
        return earlier
    free = PhoneNumber.objects.filter(state=NumberState.AVAILABLE)
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
def release(*, actor: Actor, number: PhoneNumber) -> None:
    """Give a number back: ours becomes free, one that was brought along goes where it came from."""
    row: PhoneNumber = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    require(actor, "ipservices.manage_numbers")
    if row.state in (NumberState.AVAILABLE, NumberState.LEFT):
        return

    before = row.state
    if row.losing_carrier:
        row.give_back()
    else:
        row.release()
    row.service = None
    row.key = ""
    row.save()

    audit.record(
        actor=actor, action="number.released", subject=row, before={"state": before}, after={"state": row.state}
    )
