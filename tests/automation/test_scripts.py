"""Scripts: typed in, typed out, by two people, every version kept; a task like any other."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from boss.automation.errors import OwnVersion
from boss.automation.handlers import scripts as handler
from boss.automation.models import EndpointCall, Script, ScriptVersion
from boss.automation.sandbox import proof
from boss.automation.services import scripts
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.automation.conftest import last, told
from tests.workflow.driving import drive
from ticketing.models import Ticket
from ticketing.services import categories
from workflow.models import Attempt, Run, TaskRun
from workflow.services import definitions, runs

TYPED = {
    "input_schema": {
        "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False,
    },
    "output_schema": {
        "type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"], "additionalProperties": False,
    },
}  # fmt: skip


def test_a_script_does_its_task_and_later_tasks_use_what_it_gave(published, perform):
    version = published("double", "def run(inputs, boss):\n    print('so far')\n    boss.note('Doubled.')\n"
                        "    return {'b': inputs['a'] * 2}\n", **TYPED)  # fmt: skip

    run = perform(
        {"key": "first", "title": "First", "handler": "script.run", "with": {"script": "double", "a": 4},
         "outputs": [{"key": "b", "type": "integer", "required": True}]},
        {"key": "second", "title": "Second", "handler": "script.run", "after": ["first"],
         "with": {"script": "double", "a": {"var": "tasks.first.b"}}},
    )  # fmt: skip

    assert run.state == "completed"
    assert run.outputs["first"] == {"b": 8, "script_version": 1, "script_sha256": version.sha256}
    done = last(run, "task.done")
    assert "Doubled." in done.text and f"double v1 ({version.sha256[:12]})" in done.text and done.log == "so far\n"
    assert all(attempt.answer["script_sha256"] == version.sha256 for attempt in Attempt.objects.filter(task__run=run))


def test_what_does_not_fit_its_types_becomes_a_ticket(scripted):
    wrong_in = scripted("def run(inputs, boss):\n    return {'b': 1}\n", TYPED, a="four")
    assert "inputs do not fit" in told(wrong_in) and Ticket.objects.count() == 1

    wrong_out = scripted("def run(inputs, boss):\n    return {'b': 'eight'}\n", TYPED, a=4)
    assert "does not fit" in told(wrong_out) and Ticket.objects.count() == 2


def test_a_script_says_whether_another_attempt_is_worth_it(published, perform):
    published("shy", "def run(inputs, boss):\n    if boss.attempt < 3:\n        boss.retry('not yet', after_seconds=1)\n"
              "    return {'attempt': boss.attempt}\n")  # fmt: skip

    run = perform({"key": "work", "title": "Work", "handler": "script.run", "with": {"script": "shy"},
                   "retry": {"attempts": 5}})  # fmt: skip

    assert run.state == "completed" and told(run).count("not yet") == 2


def test_undo_runs_the_version_that_did_it(published, system: Actor, alpha):
    published("port", "def run(inputs, boss):\n    return {'id': 'p1'}\n"
              "def undo(inputs, outputs, boss):\n    print('took back', outputs['id'], boss.finished)\n")  # fmt: skip
    definitions.publish(actor=system, document={"key": "undoing", "title": "Undoing", "tasks": [
        {"key": "work", "title": "Work", "handler": "script.run", "with": {"script": "port"}, "outputs": [{"key": "id"}]},
        {"key": "later", "title": "Later", "kind": "wait", "signal": "go", "deadline_seconds": 86400, "after": ["work"],
         "on_deadline": "fail"},
    ]})  # fmt: skip
    run = runs.start(actor=system, definition_key="undoing", subject=("tests.order", 7), inputs={})
    drive(alpha.pk, hurry=False)
    published(
        "port", "def run(inputs, boss):\n    return {}\ndef undo(inputs, outputs, boss):\n    boss.fail('wrong')\n"
    )

    runs.reverse(actor=system, run=run, reason="changed their mind")
    drive(alpha.pk, hurry=False)

    run.refresh_from_db()
    assert run.state == "reversed" and "took back p1 True" in told(run)


@pytest.mark.asvs("2.3.5")
def test_whoever_wrote_a_version_does_not_publish_it(alice: Actor, alma: Actor, bob: Actor):
    script = scripts.create(actor=alice, key="mine", title="Mine")
    version = scripts.propose(
        actor=alice, script=script, source="def run(inputs, boss):\n    return {}\n", nothing_to_undo=True
    )

    with pytest.raises(OwnVersion):
        scripts.publish(actor=alice, script=script, number=1)
    with pytest.raises(PermissionDenied):
        scripts.publish(actor=bob, script=script, number=1)
    script.refresh_from_db()
    assert script.current is None

    scripts.publish(actor=alma, script=script, number=1)
    script.refresh_from_db()
    assert script.current == version and script.current.published_by == alma.label
    assert list(AuditEntry.objects.filter(action__startswith="script.").order_by("id").values_list("action", flat=True)) == [
        "script.created", "script.proposed", "script.published",
    ]  # fmt: skip


def test_bob_can_neither_write_nor_see(bob: Actor, alpha):
    with pytest.raises(PermissionDenied):
        scripts.create(actor=bob, key="his", title="His")
    assert not Script.objects.exists() and not Script.objects.visible_to(bob).exists()


def test_a_version_is_never_changed_and_never_lost(published):
    version = published("kept", "def run(inputs, boss):\n    return {}\n")

    for change in ({"source": "print()"}, {"published_at": None}, {"memory_mb": 512}):
        with pytest.raises(DatabaseError), transaction.atomic():
            ScriptVersion.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ScriptVersion.objects.filter(pk=version.pk).delete()


@pytest.mark.parametrize(
    ("source", "rules", "field"),
    [
        ("def run(inputs, boss:\n", {}, "source"),
        ("x = 1\n", {}, "source"),
        ("def run(inputs, boss):\n    return {}\n", {"nothing_to_undo": False}, "source"),
        ("def run(inputs, boss):\n    return {}\n", {"endpoints": ["nowhere"]}, "endpoints"),
        ("def run(inputs, boss):\n    return {}\n", {"memory_mb": 4096}, "memory_mb"),
        ("def run(inputs, boss):\n    return {}\n", {"input_schema": {"$ref": "http://169.254.169.254/"}}, "input_schema"),
        ("def run(inputs, boss):\n    return {}\n",
         {"output_schema": {"type": "object", "properties": {"a": {"pattern": "(a+)+$"}}}}, "output_schema"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_while_it_is_written(
    alice: Actor, source: str, rules: dict[str, Any], field: str, alpha
):
    script = scripts.create(actor=alice, key="bad", title="Bad")
    with pytest.raises(InvalidInput) as refused:
        scripts.propose(actor=alice, script=script, source=source, **{"nothing_to_undo": True, **rules})
    assert field in refused.value.fields and not ScriptVersion.objects.exists()


def test_a_run_that_is_turned_round_stops_its_script(published, system: Actor, alpha, monkeypatch):
    """Nobody waits for the end of what will be undone anyway."""
    published("slow", "import time\ndef run(inputs, boss):\n    time.sleep(50)\n", wall_seconds=60)
    definitions.publish(actor=system, document={"key": "slow", "title": "Slow", "tasks": [
        {"key": "work", "title": "Work", "handler": "script.run", "with": {"script": "slow"}},
    ]})  # fmt: skip
    run = runs.start(actor=system, definition_key="slow", subject=("tests.order", 7), inputs={})
    asked = handler._is_wanted

    def turned_round(context: Any) -> bool:
        if Run.objects.get(pk=run.pk).state == "running":
            runs.reverse(actor=system, run=run, reason="changed their mind")
        return asked(context)

    monkeypatch.setattr(handler, "_is_wanted", turned_round)
    drive(alpha.pk)

    run.refresh_from_db()
    assert run.state == "reversed" and "cancelled" in told(run)


def test_where_nothing_can_be_confined_a_ticket_says_so(scripted, monkeypatch):
    monkeypatch.setattr(proof, "state", lambda **_how: proof.State(False, "bwrap is not installed"))

    run = scripted("def run(inputs, boss):\n    return {}\n")

    assert TaskRun.objects.get(run=run).state == "attention"
    assert "bwrap is not installed" in Ticket.objects.get().messages.first().body


def test_an_undeclared_endpoint_and_too_many_calls_are_refused(scripted, endpoint, alpha):
    categories.create(actor=Actor.system(alpha.pk), key="script-work", name="Script work", kind="work")
    endpoint("ticket", "people", settings={"category": "script-work"})
    endpoint("ticket", "others", settings={"category": "script-work"})
    run = scripted(
        "def run(inputs, boss):\n"
        "    numbers = [boss.call('people', title='Look at it')['number'] for _ in range(2)]\n"
        "    try:\n        boss.call('others', title='x')\n    except boss.Refused as error:\n        print(error)\n"
        "    try:\n        boss.call('people', title='x')\n    except boss.Refused as error:\n        print(error)\n"
        "    return {'numbers': len(set(numbers))}\n",
        {"endpoints": ["people"], "most_calls": 3},
    )
    assert run.state == "completed", told(run)
    assert "does not name the endpoint “others”" in told(run) and "may make 3 calls" in told(run)
    assert Ticket.objects.filter(title="Look at it").count() == 2
    assert set(EndpointCall.objects.values_list("state", flat=True)) == {"done"}


def test_secrets_among_the_inputs_are_not_in_the_log(scripted):
    run = scripted(
        "def run(inputs, boss):\n    print(inputs['wifi_password'])\n    return {}\n", wifi_password="hunter2222"
    )
    assert run.state == "completed" and "hunter2222" not in told(run) and "••••" in told(run)
