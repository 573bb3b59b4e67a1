"""What an operator allows a server or the whole realm: how much at once, how much in a minute."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from workflow.engine import slots
from workflow.models import Limit, LimitSlot
from workflow.models.limits import MOST


@service
def set_limit(*, actor: Actor, key: str, most_at_once: int | None = None, most_per_minute: int | None = None) -> Limit:
    """Limit the tasks that count for ``key`` from their next claim on; what runs already is let finish.

    Raises :class:`InvalidInput` with the fields.
    """
    limit = Limit.objects.select_for_update().filter(key=key).first() or Limit(key=key)

    require(actor, "workflow.change_limit")

    _refuse_nonsense(key, most_at_once=most_at_once, most_per_minute=most_per_minute)

    before = _numbers(limit)
    limit.most_at_once, limit.most_per_minute = most_at_once, most_per_minute
    limit.save()
    _provide(limit, most_at_once or 0, is_place=True)
    _provide(limit, most_per_minute or 0, is_place=False)

    audit.record(actor=actor, action="limit.set", subject=limit, before=before, after=_numbers(limit))
    return limit


@service
def lift(*, actor: Actor, limit: Limit) -> None:
    """Take a limit away; what waited for it goes on."""
    limit = Limit.objects.select_for_update().get(pk=limit.pk)

    require(actor, "workflow.change_limit", limit)

    audit.record(actor=actor, action="limit.lifted", subject=limit, before=_numbers(limit), after={})
    slots.let_go(limit.pk)
    limit.delete()


def _refuse_nonsense(key: str, **numbers: int | None) -> None:
    fields: dict[str, list[str]] = {}
    if not key.strip() or len(key) > 120:
        fields["key"] = [_("A key has 1 to 120 characters.")]
    for name, number in numbers.items():
        if number is not None and not 1 <= number <= MOST:
            fields[name] = [_("A whole number from 1 to %(most)s, or nothing.") % {"most": MOST}]
    if all(number is None for number in numbers.values()):
        fields["most_at_once"] = [_("A limit says how many at once, how many per minute, or both.")]
    if fields:
        raise InvalidInput(fields=fields)


def _numbers(limit: Limit) -> dict[str, int | None]:
    return {"most_at_once": limit.most_at_once, "most_per_minute": limit.most_per_minute}


def _provide(limit: Limit, most: int, *, is_place: bool) -> None:
    """Slots are only ever added: those above the limit's number are not taken any more."""
    there = LimitSlot.objects.filter(limit=limit, is_place=is_place).count()
    fresh = [LimitSlot(limit=limit, is_place=is_place, number=number) for number in range(there + 1, most + 1)]
    LimitSlot.objects.bulk_create(fresh, ignore_conflicts=True)
