"""What the how-to page shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from boss.core.schema import TYPES
from ticketing.services import pools
from workflow import documents, shapes
from workflow.choices import TaskKind
from workflow.models import Definition
from workflow.services import definitions
from workflow.simulation import Answer

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/write-a-workflow.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(key: .*?)```", PAGE, re.DOTALL)


@pytest.fixture
def crew(alpha, system):
    for key in ("field", "billing", "csr"):
        pools.create(actor=system, key=key, name=key)


def test_the_example_is_published_without_a_warning_and_plays(alpha, alice, crew):
    assert len(EXAMPLES) == 2
    for text in EXAMPLES:
        report = definitions.check(actor=alice, document=text)
        assert (report.faults, report.warnings) == ({}, {})
        definitions.publish(actor=alice, document=text)
    assert Definition.objects.count() == 2
    played = definitions.simulate(
        actor=alice,
        document=EXAMPLES[1],
        inputs={"payment": "cash", "flats": ["1A", "1B", "2A", "2B"]},
        answers={"agree": Answer(outputs={"permit_needed": False})},
        reverse_at="start_charges",
    )
    assert played.completes
    assert {step.key for step in played.path if step.state == "skipped"} == {"hold_card", "permit"}
    assert [(work.pool, work.tasks) for work in played.work] == [("csr", 1), ("field", 4)]
    assert {step.key: step.how for step in played.reversal}["fit_out"] == "undone"


@pytest.mark.parametrize("text", EXAMPLES, ids=["flat", "building"])
def test_the_example_is_written_as_it_is_exported(text):
    assert documents.to_yaml(documents.from_yaml(text)) == text


def test_every_field_kind_and_type_is_on_the_page():
    words = {*shapes.TASK_FIELDS, *shapes.TOP_FIELDS, *shapes.RETRY_FIELDS, *TaskKind.values, *TYPES}
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", PAGE)] == []
