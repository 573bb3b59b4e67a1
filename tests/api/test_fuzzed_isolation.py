"""Whatever is sent, with a key of any role and of either realm: never a failure, never a thing of the other realm.

``test_schemathesis`` holds the answers of one key against the document. Here the same operations are sent by several
keys of two realms, with the other realm's ids wherever an id can be given, and every answer is searched for them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from boss.core import scoping
from boss.core.scoping import Scope
from ipservices.models import SimulatedServer
from tests.api.test_isolation import Side, sides  # noqa: F401 - a fixture
from tests.api.test_schemathesis import ROOMS, Application, operations

EXAMPLES = 2
"""For each operation and key: one about the other realm's thing, one made up. Keeps the whole below a minute."""
KEYS = ("realm_admin", "csr", "subscriber")


class Program(Application):
    """A key of one realm on its own host."""

    def __init__(self, key: str, host: str) -> None:
        super().__init__(key)
        self.headers["host"] = host


@pytest.mark.timeout(600)
def test_no_answer_to_anything_carries_a_thing_of_the_other_realm(cast, sides, settings):  # noqa: F811
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    failures: list[str] = []
    every = [operation for room in ROOMS for operation in operations()[room]]
    assert len(every) > 100
    for number, operation in enumerate(every):
        role = KEYS[number % len(KEYS)]
        # Every operation by the administrator, who passes every gate, and by one other in turn; the realms change.
        for key_role in dict.fromkeys(("realm_admin", role)):
            mine, theirs = sides if number % 2 else sides[::-1]
            try:
                send(operation, Program(mine.keys[key_role], mine.host), theirs, failures, key_role)
            except Unsatisfiable:
                continue
            for realm in (cast.alpha, cast.beta):
                with scoping.enter(Scope(realm.pk, "test")):  # no slider that was moved makes the next one fail
                    SimulatedServer.objects.update(faults={})
    assert failures == [], "\n".join(failures)


def send(operation: Any, program: Program, theirs: Side, failures: list[str], role: str) -> None:
    resource = "/".join(operation.path.removeprefix("/api/v1/").split("/")[:2])

    @limits(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def keep(case: Any) -> None:
        given_ids = point_at(case, theirs, resource)
        with scoping.enter(None):
            response = program.answer(case)
        text = response.content.decode(errors="replace")
        # What was sent is often sent back: in the message of a refusal, in the links of a list.
        shown = [mark for mark in theirs.marks if mark in text and mark not in given_ids]
        if response.status_code >= 500 or shown:
            line = f"{role} {operation.method.upper()} {operation.path}: {response.status_code} {shown}"
            failures.append(f"{line} {text[:300]}")

    keep()


def point_at(case: Any, theirs: Side, resource: str) -> str:
    """Put ids of the other realm wherever the operation takes one; what was put, as text."""
    for name in ("public_id", "address"):
        if name in (case.path_parameters or {}) and resource in theirs.ids:
            case.path_parameters[name] = theirs.ids[resource]
    nouns = {key.partition("/")[2].rstrip("s"): value for key, value in theirs.ids.items() if "/" in key}
    for place in (case.query, case.body):
        if isinstance(place, dict):
            for name in list(place):
                if name in nouns and isinstance(place[name], str):
                    place[name] = nouns[name]
    sent = {"path": case.path_parameters, "query": case.query, "body": case.body if isinstance(case.body, dict) else {}}
    return json.dumps(sent, default=str)
