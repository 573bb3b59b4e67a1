"""A supervisor takes work off somebody."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing.choices import OPEN_STATES
from ticketing.models import PoolMember, TalentPool, Ticket
from ticketing.services import pools
from ticketing.services.tickets import owning

MOST_AT_ONCE = 50


@service
def pass_on(*, actor: Actor, pool: TalentPool, user: User, count: int, to: User | None = None) -> int:
    """Take ``count`` open tickets of this pool off ``user``, those due first, and give them to ``to``: a member of the
    pool, or (None) back into the pool, which gives them to others if it gives tickets out. How many went.

    For those who answer for the pool. What somebody is changing at this moment stays. Raises :class:`InvalidInput`
    with fields ``count``, ``to``.
    """
    pools.require_supervision(actor, pool)
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidInput(fields={"count": [_("Between 1 and %(n)s.") % {"n": MOST_AT_ONCE}]})
    if to is not None:
        if to.pk == user.pk:
            raise InvalidInput(fields={"to": [_("Choose somebody else.")]})
        if not to.is_active or not PoolMember.objects.filter(pool=pool, user=to).exists():
            raise InvalidInput(fields={"to": [_("%(name)s is not in this pool.") % {"name": to.full_name}]})

    rows = Ticket.objects.select_for_update(skip_locked=True).filter(
        pool=pool, assignee_id=user.pk, state__in=OPEN_STATES
    )
    found = list(rows.order_by("due_at", "priority", "id")[:count])
    for ticket in found:
        told = {"reason": _("Taken off %(name)s by a supervisor") % {"name": user.full_name}}
        owning.hand_over(ticket, to, actor=actor, event="assigned" if to is not None else "released", told=told)
    return len(found)
