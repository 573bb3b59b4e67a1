"""What an hour of work costs: set from a day on, never changed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing.models import CostRate, TalentPool

ADD = "ticketing.add_costrate"
MOST = Decimal("99999.99")
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2099, 12, 31)


@service
def set_rate(
    *,
    actor: Actor,
    per_hour: Decimal | None,
    valid_from: dt.date,
    user: User | None = None,
    pool: TalentPool | None = None,
) -> CostRate:
    """From ``valid_from`` on an hour costs ``per_hour``: of ``user``, for ``pool``, or, with neither, of all.

    None: they have no rate of their own from then on, and the next one counts. Time already written down keeps the
    rate it was written with. Raises InvalidInput with the fields ``per_hour``, ``valid_from``, ``user``, ``pool``.
    """
    require(actor, ADD)

    if user is not None and pool is not None:
        raise InvalidInput(fields={"pool": [_("A rate is for a person or for a pool, not for both.")]})
    if user is not None and user.kind != User.Kind.STAFF:
        raise InvalidInput(fields={"user": [_("Choose somebody of the staff.")]})
    if per_hour is not None and (not 0 <= per_hour <= MOST or per_hour != round(per_hour, 2)):
        raise InvalidInput(fields={"per_hour": [_("Enter an amount from 0 to 99,999.99, with two decimals at most.")]})
    if not FIRST_DAY <= valid_from <= LAST_DAY:
        raise InvalidInput(fields={"valid_from": [_("Enter a day from 2000 to 2099.")]})

    rate: CostRate = CostRate.objects.create(
        user=user, pool=pool, per_hour=per_hour, valid_from=valid_from, set_by=actor.label[:200]
    )
    # Without the amount: more people read the trail than may see costs, and the row itself can never be changed.
    audit.record(
        actor=actor, action="cost_rate.set", subject=rate,
        after={
            "rate": rate.public_id, "valid_from": valid_from.isoformat(), "taken_back": per_hour is None,
            "user": user.public_id if user else None, "pool": pool.key if pool else None,
        },
    )  # fmt: skip
    return rate
