"""What the past teaches about each workflow, and which open runs will probably be late."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page, staff
from boss.console.presenters import insight as present
from boss.core.problems import NotFound
from boss.look.templatetags.look import duration
from workflow import board, insight, sample, selectors


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(days) for days in insight.WINDOWS} else 30


@staff("workflow.view_run")
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """All workflows of which runs ended within the window."""
    days = _days(request)
    learned = insight.learn(actor_of(request), days)
    context = {
        "rows": [present.summary(one) for one in learned],
        "days": days,
        "windows": insight.WINDOWS,
        "most": sample.MOST_RUNS,
    }
    return page(request, "insight/list.html", context, section="runs")


@staff("workflow.view_run")
@require_GET
def of_definition(request: HttpRequest, key: str) -> HttpResponse:
    """One workflow: its tasks, and the open runs in jeopardy."""
    actor, days = actor_of(request), _days(request)
    definition = selectors.list_definitions(actor).defer("current__document").filter(key=key).first()
    if definition is None:
        raise NotFound
    learned = next(iter(insight.learn(actor, days, definition)), None)
    late = insight.jeopardy(actor, definition, learned) if learned else []
    context = {
        "definition": definition,
        "learned": learned,
        "summary": present.summary(learned) if learned else None,
        "rows": present.rows(learned) if learned else [],
        "chart": present.chart(learned, duration) if learned else None,
        "late": present.late_lines(late, board.positions([one.run for one in late])),
        "days": days,
        "windows": insight.WINDOWS,
        "most": sample.MOST_RUNS,
        "fewest": insight.FEWEST_RUNS,
    }
    return page(request, "insight/definition.html", context, section="runs")
