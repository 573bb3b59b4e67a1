from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import InvalidInput, NotFound, Problem, WrongState


class DefinitionRefused(InvalidInput):
    """A definition with faults is never published; ``fields`` names each place ("tasks.activate_dns.handler")."""

    code = "workflow.definition_refused"
    title = _("This workflow cannot be published as it is.")


class NoSuchDefinition(NotFound):
    code = "workflow.no_such_definition"
    title = _("There is no published workflow of this name.")


class DraftExists(WrongState):
    """One working copy per definition: two people work on the same one, or one after the other."""

    code = "workflow.draft_exists"
    title = _("There is a draft of this workflow already.")


class RunIsClosed(WrongState):
    code = "workflow.run_is_closed"
    title = _("This run is closed: what is completed or reversed stays so.")


class RunIsReversing(WrongState):
    code = "workflow.run_is_reversing"
    title = _("This run is being reversed and does not go on.")


class TaskNotForPeople(WrongState):
    """Only a task that waits for people can be completed, retried or skipped by hand."""

    code = "workflow.task_not_for_people"
    title = _("This task does not wait for anybody.")


class TaskMayNotBeSkipped(Problem):
    code = "workflow.task_may_not_be_skipped"
    status = 409
    title = _("The workflow does not allow this task to be skipped.")


class NoReturnPoint(Problem):
    code = "workflow.no_return_point"
    status = 409
    title = _("The workflow does not allow the run to go back to this task.")


class NotYetReached(WrongState):
    code = "workflow.not_yet_reached"
    title = _("The run has not come to this task yet.")


class PastNoReturn(WrongState):
    """``data.tasks`` names those that cannot be undone any more."""

    code = "workflow.past_no_return"
    title = _("Something that would have to be undone is past its point of no return.")


class AlreadyGoingBack(WrongState):
    code = "workflow.already_going_back"
    title = _("Some tasks of this run are being taken back just now. Try again when that is over.")


class PartOfAnother(WrongState):
    code = "workflow.part_of_another"
    title = _("This run is part of another one; act on that.")


class CannotMove(InvalidInput):
    """``fields`` says for each task what stands in the way."""

    code = "workflow.cannot_move"
    title = _("What this run has done already is not the same in that version.")


class PartsStillOpen(WrongState):
    code = "workflow.parts_still_open"
    title = _("Runs that are part of this task are still under way. Wait for them, or reverse them first.")


class NestedTooDeeply(Problem):
    code = "workflow.nested_too_deeply"
    title = _("Workflows within workflows are nested too deeply; perhaps one contains itself.")


class LeaseLost(RuntimeError):
    """Somebody else owns this task by now; the result in hand is late and must leave no trace in our tables."""


class TimeLimitExceeded(TimeoutError):
    """The handler took longer than its time limit. Whether it had an effect is not known."""


class NothingFailed(WrongState):
    code = "workflow.nothing_failed"
    title = _("No task of this run has failed.")
