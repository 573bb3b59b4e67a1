"""Each shipped workflow, turned round at every step it takes: before and after, servers and tables are the same.

The run goes forward one step at a time. After each step it is reversed, people answer what an undo asks of them, the
pictures are compared, and the reversal itself is rolled back; then the run takes its next step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from boss.tenancy import models as tenancy
from ipservices import models as ipservices
from subscribers import models as subscribers
from tests.journeys import picture, starts
from tests.journeys.company import Company, one_at_a_time, taken_back
from tests.workflow.driving import drive

Start = Callable[[Company], tuple[dict[str, Any], int]]

CASES: dict[str, tuple[str, Start]] = {
    "new-triple-play": ("lakes", starts.new_triple_play),
    "new-triple-play with a port": ("lakes", starts.new_triple_play_with_port),
    "plan-change": ("lakes", starts.plan_change),
    "number-port-in": ("lakes", starts.number_port_in),
    "non-pay": ("lakes", starts.non_pay),
    "disconnect-recover": ("lakes", starts.disconnect),
    "new-wireless-install": ("prairie", starts.new_wireless_install),
    "resident-move-in": ("stones", starts.resident_move_in),
    "property-turn-up": ("stones", starts.property_turn_up),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_reversed_from_every_task_nothing_is_left(case: str, request: pytest.FixtureRequest) -> None:
    provider, start = CASES[case]
    company: Company = request.getfixturevalue(provider)
    before, run_id = start(company)
    left: dict[str, Any] = {}
    reached: set[str] = set()
    with one_at_a_time():
        for step in range(300):
            states = company.states(run_id)
            now = {key for key, state in states.items() if state in ("done", "waiting", "skipped")}
            place = f"{step}: {', '.join(sorted(now - reached)) or 'more of the same'}"
            reached |= now
            with taken_back():
                end = company.reverse(run_id)
                difference = picture.difference(before, company.picture())
                if end != "reversed" or difference:
                    left[place] = (end, difference, company.stuck(run_id) if end != "reversed" else "")
            if left:
                break
            if not drive(company.realm_id, most=1):
                assert company.answer_one(), company.stuck(run_id)
            if company.run(run_id).is_closed:
                break
    assert left == {}
    assert company.run(run_id).state == "completed"
    # The last task closes the run as it ends: what is closed is not reversed.
    assert set(company.states(run_id)) - reached <= {list(company.states(run_id))[-1]}


def test_no_table_is_forgotten_in_the_picture():
    shown = {one.model for one in picture.PICTURED}
    known = shown | set(picture.HISTORY) | set(picture.APART) | set(picture.UNTOUCHED)
    there = picture.models_of(subscribers, ipservices, tenancy)
    assert {model.__name__ for model in there - known} == set()
