"""Which ended runs a number about the past is made from, so that whoever opens the number finds exactly those."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

MOST_RUNS = 300
"""Of each version: more would cost more and say the same."""

LONGEST_DAYS = 3660

CTE = """
WITH sample AS MATERIALIZED (
    SELECT v.definition_id, run.id, run.state, run.started_at, run.ended_at
      FROM workflow_definitionversion AS v
     CROSS JOIN LATERAL (
            SELECT r.id, r.state, r.started_at, r.ended_at FROM workflow_run AS r
             WHERE r.realm_id = %(realm)s AND r.version_id = v.id AND r.ended_at > %(since)s AND r.ended_at <= %(until)s
               AND r.state IN ('completed', 'reversed')
             ORDER BY r.ended_at DESC, r.id DESC LIMIT %(most)s
           ) AS run
     WHERE v.realm_id = %(realm)s AND (%(definition)s::text IS NULL OR v.definition_id IN (
            SELECT id FROM workflow_definition WHERE realm_id = %(realm)s AND key = %(definition)s))
)"""
_ORDER = ("realm", "since", "until", "most", "realm", "definition", "realm", "definition")


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest ended runs of each version that ended within ``days`` before ``until``: closed runs do not change,
    so this names the same runs for as long as they are kept."""

    days: int
    until: dt.datetime

    def given(self, realm_id: int, definition: str | None) -> dict[str, Any]:
        """The parameters of :data:`CTE`; ``definition`` is a key, None means all of them."""
        return {
            "realm": realm_id,
            "since": self.until - dt.timedelta(days=self.days),
            "until": self.until,
            "most": MOST_RUNS,
            "definition": definition,
        }

    def condition(self, realm_id: int, definition: str | None) -> Q:
        """The same runs as a condition on runs."""
        statement, given = "".join((CTE, " SELECT id FROM sample")), self.given(realm_id, definition)
        for name in set(_ORDER):
            statement = statement.replace(f"%({name})s", "%s")
        return Q(pk__in=RawSQL(statement, [given[name] for name in _ORDER]))  # noqa: S611 - no text of people in it

    @property
    def token(self) -> str:
        """For an address; :func:`read` reads it."""
        since_epoch = self.until - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return f"{self.days}-{since_epoch // dt.timedelta(microseconds=1)}"


def read(token: str) -> Sample | None:
    """The sample of an address; None when it is none."""
    days, _dash, micros = token.partition("-")
    if not (days.isascii() and days.isdigit() and micros.isascii() and micros.isdigit()):
        return None
    if not 1 <= int(days[:6]) <= LONGEST_DAYS or len(micros) > 17:
        return None
    return Sample(int(days), dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(micros)))
