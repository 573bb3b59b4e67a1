"""A run in the console: the live graph, one task in detail, retry, done by hand, left out, undone with its plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.workflow.conftest import begin, clean_workshop, go, states
from tests.workflow.workshop import Fail, chain, shop, task
from workflow import selectors
from workflow.engine import claims
from workflow.models import Bulk, Run, TaskRun
from workflow.services import bulk, definitions

__all__ = ["begin", "clean_workshop", "go", "states"]

MANUAL = {
    "key": "visit",
    "title": "Install visit",
    "kind": "manual",
    "after": ["a"],
    "pool": "crew",
    "instructions": "Take a ladder.",
    "skippable": True,
    "undo": "none",
    "outputs": [{"key": "level", "type": "integer", "label": "Signal level", "required": True, "minimum": 1}],
}


@pytest.fixture
def failed(begin: Any, go: Any) -> Run:
    """A run whose second task needs a person."""
    shop.plans["b"] = [Fail("no connection to the mail server")]
    run: Run = begin(chain("a", "b", "c"))
    go()
    return Run.objects.get(pk=run.pk)


@pytest.fixture
def visit(begin: Any, go: Any, cast: Cast, system: Any) -> Run:
    """A run that waits for an installation visit."""
    from ticketing.services import pools

    pools.create(actor=system, key="crew", name="Crew")
    run: Run = begin([task("a"), MANUAL, task("z", "visit")])
    go()
    return Run.objects.get(pk=run.pk)


def address(run: Run, rest: str = "") -> str:
    return f"/console/runs/{run.public_id}/{rest}"


def state(run: Run, key: str) -> str:
    return str(TaskRun.objects.get(run=run, key=key).state)


def test_the_graph_shows_every_task_with_icon_word_and_colour(failed: Run, cast: Cast, browser_of: Any) -> None:
    text = browser_of(cast.bob).get(address(failed)).content.decode()
    assert text.count('<g class="graph-node') == 3 and text.count('class="graph-edge') == 2
    assert 'aria-label="A: Done"' in text
    assert 'aria-label="B: Needs a person"' in text and "graph-bad" in text and "#alert-triangle" in text
    assert 'aria-label="C: Not yet"' in text
    assert "no connection to the mail server" in text


def test_charlie_gets_404_for_the_run_and_everything_on_it(failed: Run, cast: Cast, browser_of: Any) -> None:
    charlie = browser_of(cast.charlie)
    for rest in ("", "live/", "reverse/"):
        assert charlie.get(address(failed, rest)).status_code == 404
    for rest in ("reverse/", "tasks/b/retry/", "tasks/b/complete/", "tasks/b/skip/"):
        assert charlie.post(address(failed, rest), {"reason": "x", "confirmed": "on"}).status_code == 404
    assert state(failed, "b") == "attention" and Run.objects.get(pk=failed.pk).state == "running"


def test_an_open_run_is_asked_for_again_and_a_closed_one_is_not(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    run = begin(chain("a", "b"))
    bob = browser_of(cast.bob)
    assert 'hx-trigger="every 2s"' in bob.get(address(run)).content.decode()
    go()
    closed = bob.get(address(run, "live/")).content.decode()
    assert "hx-trigger" not in closed and "Completed" in closed


def test_the_live_part_says_nothing_when_nothing_changed(failed: Run, go: Any, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    seen = bob.get(address(failed)).context["live"].token
    assert bob.get(address(failed, "live/"), {"seen": seen}).status_code == 204
    bob.post(address(failed, "tasks/b/retry/"))
    changed = bob.get(address(failed, "live/"), {"seen": seen})
    assert changed.status_code == 200 and 'hx-swap-oob="true"' in changed.content.decode()


def test_trying_again_lets_the_run_go_on(failed: Run, go: Any, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert "Try again now" in bob.get(address(failed), {"task": "b"}).content.decode()
    assert bob.post(address(failed, "tasks/b/retry/")).status_code == 302
    go()
    assert Run.objects.get(pk=failed.pk).state == "completed"


def test_a_second_click_on_try_again_says_why_it_did_nothing(failed: Run, go: Any, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    bob.post(address(failed, "tasks/b/retry/"))
    go()
    answer = bob.post(address(failed, "tasks/b/retry/"), follow=True)
    assert "This task does not wait for anybody." in answer.content.decode()
    assert Run.objects.get(pk=failed.pk).state == "completed"


def test_done_by_hand_with_its_results_lets_the_run_go_on(failed: Run, go: Any, cast: Cast, browser_of: Any) -> None:
    form = {"value_number": "7", "value_receipt": "written by hand", "note": "mailbox made on the server itself"}
    assert browser_of(cast.bob).post(address(failed, "tasks/b/complete/"), form).status_code == 302
    go()
    run = Run.objects.get(pk=failed.pk)
    assert run.state == "completed" and run.outputs["b"] == {"number": 7, "receipt": "written by hand"}


def test_a_wrong_result_is_marked_and_what_was_typed_is_kept(visit: Run, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    form = {"value_level": "0", "note": "outlet in the hall"}
    answer = bob.post(address(visit, "tasks/visit/complete/"), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_value_level_error"' in text and "outlet in the hall" in text and 'value="0"' in text
    assert state(visit, "visit") == "waiting"
    bob.post(address(visit, "tasks/visit/complete/"), {"value_level": "3"})
    assert state(visit, "visit") == "done"


def test_leaving_out_is_offered_where_the_definition_allows_and_asks_why(
    visit: Run, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    assert "Leave it out" in alice.get(address(visit), {"task": "visit"}).content.decode()
    assert alice.post(address(visit, "tasks/visit/skip/"), {"reason": ""}).status_code == 422
    assert state(visit, "visit") == "waiting"
    alice.post(address(visit, "tasks/visit/skip/"), {"reason": "self-installed"})
    assert state(visit, "visit") == "skipped"


def test_a_csr_may_not_leave_tasks_out(visit: Run, cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.bob).post(address(visit, "tasks/visit/skip/"), {"reason": "no"})
    assert answer.status_code == 403 and "workflow.skip_task" in answer.content.decode()
    assert state(visit, "visit") == "waiting"


def test_undoing_shows_its_plan_first_and_asks_for_reason_and_consent(
    failed: Run, go: Any, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    plan = bob.get(address(failed, "reverse/"))
    assert [step.title for step in plan.context["plan"].steps] == ["B", "A"]
    assert plan.context["plan"].stopped == ["C"]
    refused = bob.post(address(failed, "reverse/"), {"reason": "wrong address"})
    assert refused.status_code == 422 and "Please confirm." in refused.content.decode()
    assert "wrong address" in refused.content.decode()
    assert Run.objects.get(pk=failed.pk).state == "running"
    assert bob.post(address(failed, "reverse/"), {"reason": "wrong address", "confirmed": "on"}).status_code == 302
    go()
    run = Run.objects.get(pk=failed.pk)
    assert run.state == "reversed" and shop.effects == {}
    assert "wrong address" in bob.get(address(run)).content.decode()


def test_a_second_reversal_is_refused_in_words(failed: Run, go: Any, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    form = {"reason": "wrong address", "confirmed": "on"}
    bob.post(address(failed, "reverse/"), form)
    again = bob.post(address(failed, "reverse/"), form)
    assert again.status_code == 409


def test_the_ticket_of_a_task_leads_to_its_run_and_ends_by_an_outcome(
    failed: Run, go: Any, cast: Cast, browser_of: Any
) -> None:
    ticket = TaskRun.objects.get(run=failed, key="b").ticket
    bob = browser_of(cast.bob)
    text = bob.get(f"/console/tickets/{ticket.public_id}/").content.decode()
    assert f"/console/runs/{failed.public_id}/" in text and "Try again" in text
    undo = bob.get(f"/console/tickets/{ticket.public_id}/", {"outcome": "undo"}).content.decode()
    assert "takes effect at once" in undo and "btn-danger" in undo
    unconfirmed = bob.post(f"/console/tickets/{ticket.public_id}/resolve/", {"outcome": "undo", "value_reason": "gone"})
    assert unconfirmed.status_code == 422 and Run.objects.get(pk=failed.pk).state == "running"
    bob.post(f"/console/tickets/{ticket.public_id}/resolve/", {"outcome": "retry"})
    go()
    assert Run.objects.get(pk=failed.pk).state == "completed"


def test_secrets_among_the_values_of_a_task_are_masked(begin: Any, go: Any, cast: Cast, browser_of: Any) -> None:
    run = begin(chain("a"))
    go()
    TaskRun.objects.filter(run=run, key="a").update(inputs={"password": "hunter2secret", "name": "maria"})
    text = browser_of(cast.bob).get(address(run), {"task": "a"}).content.decode()
    assert "maria" in text and "hunter2secret" not in text


def test_the_run_pages_ask_a_fixed_number_of_statements(
    failed: Run, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    bob = browser_of(cast.bob)
    assert len(asked := statements_of(bob, address(failed))) <= 9, "\n".join(asked)


def test_a_poll_while_nothing_happens_is_one_statement(failed: Run, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    seen = bob.get(address(failed)).context["live"].token
    with CaptureQueriesContext(connection) as asked:
        assert bob.get(address(failed, "live/"), {"seen": seen}).status_code == 204
    of_runs = [query["sql"] for query in asked.captured_queries if "workflow_" in query["sql"]]
    assert len(of_runs) == 1, "\n".join(of_runs)


def test_the_poll_notices_an_attempt_that_began_though_no_event_was_written(
    begin: Any, go: Any, bob: Any, cast: Cast, browser_of: Any
) -> None:
    run = begin(chain("a", "b"))
    before = selectors.pulse(bob, run.public_id)
    assert claims.take(run.realm_id, TaskRun.objects.get(run=run, key="a").pk) is not None
    after = selectors.pulse(bob, run.public_id)
    assert after.sequence == before.sequence and after.token != before.token
    assert browser_of(cast.bob).get(address(run)).context["live"].token == after.token


def test_the_journal_shows_what_went_wrong_or_what_people_did_or_one_task(
    failed: Run, go: Any, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    bob.post(address(failed, "tasks/b/retry/"))
    go()

    def lines(**asked: str) -> list[str]:
        return [entry.text for entry in bob.get(address(failed), asked).context["story"].entries]

    assert [line.split(" ")[0] for line in lines(what="trouble")] == ["Ticket", "“B”"]
    assert lines(what="people") == ["“B” is to be tried again at once.", *lines(what="people")[1:]]
    assert all("A" in line for line in lines(about="a")) and len(lines(about="a")) == 2
    live = bob.get(address(failed, "live/"), {"what": "trouble"}).content.decode()
    assert "is to be tried again" not in live


def test_the_run_over_time_shows_every_attempt_drawn_and_as_a_table(
    failed: Run, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    bob = browser_of(cast.bob)
    told = bob.get(address(failed, "timeline/")).context["timeline"]
    assert [line.title for line in told.lines] == ["A", "B"]
    assert [(row.title, row.number, row.mark.tone) for row in told.told] == [("A", 1, "ok"), ("B", 1, "bad")]
    assert all(bar.x >= 0 and bar.x + 1 <= told.width for line in told.lines for bar in line.bars)
    assert len(asked := statements_of(bob, address(failed, "timeline/"))) <= 6, "\n".join(asked)


def test_runs_within_a_run_are_shown_with_their_state_and_lead_back(
    begin: Any, go: Any, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    begin(chain("p"), key="part", title="One building")
    go()
    shop.plans["p"] = [Fail("locked door")]
    whole = begin(
        [
            {
                "key": "all",
                "title": "All buildings",
                "kind": "each",
                "definition": "part",
                "over": {"var": "inputs.houses"},
            }
        ],
        inputs={"houses": [1, 2, 3]},
        key="whole",
    )
    go()
    bob = browser_of(cast.bob)
    group = bob.get(address(whole)).context["live"].parts[0]
    assert group.title == "All buildings" and [line.mark.tone for line in group.lines].count("ok") == 2
    part = bob.get(group.lines[0].url)
    assert "Part of" in part.content.decode() and address(whole) in part.content.decode()
    seen = bob.get(address(whole)).context["live"].token
    stuck = TaskRun.objects.get(state="attention")
    bob.post(f"/console/runs/{stuck.run.public_id}/tasks/p/retry/")
    assert bob.get(address(whole, "live/"), {"seen": seen}).status_code == 200
    assert len(asked := statements_of(bob, address(whole))) <= 12, "\n".join(asked)


def test_a_run_is_sent_back_to_a_task_after_its_plan_was_shown(
    begin: Any, go: Any, cast: Cast, browser_of: Any
) -> None:
    shop.plans["c"] = [Fail("the wrong port was held")]
    run = begin([task("a"), task("b", "a", return_point=True), task("c", "b"), task("d", "c")])
    go()
    bob = browser_of(cast.bob)
    assert "Send back to this task" not in bob.get(address(run), {"task": "a"}).content.decode()
    assert "Send back to this task" in bob.get(address(run), {"task": "b"}).content.decode()
    plan = bob.get(address(run, "tasks/b/send-back/"))
    assert [step.title for step in plan.context["plan"].steps] == ["C", "B"]
    refused = bob.post(address(run, "tasks/b/send-back/"), {"reason": " "})
    assert refused.status_code == 422 and "Please say why." in refused.content.decode()
    assert bob.post(address(run, "tasks/b/send-back/"), {"reason": "hold another port"}).status_code == 302
    go()
    assert Run.objects.get(pk=run.pk).state == "completed"
    assert "hold another port" in bob.get(address(run), {"journal": "all"}).content.decode()
    assert "does not go back to this task any more" in bob.get(address(run, "tasks/b/send-back/")).content.decode()
    assert bob.post(address(run, "tasks/b/send-back/"), {"reason": "once more"}).status_code == 409
    assert browser_of(cast.charlie).post(address(run, "tasks/b/send-back/"), {"reason": "x"}).status_code == 404


def test_a_run_of_an_older_version_can_be_moved_from_its_page(
    failed: Run, system: Any, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    assert "Move to another version" not in alice.get(address(failed)).content.decode()
    document = {"key": "test", "title": "Test workflow", "tasks": chain("a", "b", "c", "d")}
    newer = definitions.publish(actor=system, document=document)
    assert "Move to another version" in alice.get(address(failed)).content.decode()
    shown = alice.post("/console/bulks/", {"action": "move", "run": failed.public_id})
    assert shown.context["form"].initial["version"] == newer.number and shown.context["told"].able == 1
    sent = {"action": "move", "run": failed.public_id, "version": newer.number, "go": "1", "once": "k"}
    assert alice.post("/console/bulks/", sent).status_code == 302
    bulk.go_on(failed.realm_id, Bulk.objects.get().pk)
    assert TaskRun.objects.filter(run=failed, key="d").exists()
