"""The engine on the API: each verb is one service call."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, CharFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api import etags
from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from workflow import board, bulks, documents, insight, journal, selectors
from workflow.api import oversight, serializers
from workflow.choices import CLOSED_RUN_STATES
from workflow.models import Bulk, Definition, DefinitionDraft, Limit, Run, TaskRun
from workflow.palette import palette
from workflow.services import bulk, definitions, drafts, limits, runs, signals, tasks
from workflow.simulation import Answer

_at = OpenApiParameter("number", int, OpenApiParameter.PATH, description="The version")


class YamlText(JSONRenderer):
    """Answers with text whatever the reader accepts; refusals stay problem documents."""

    media_type = "*/*"


class DefinitionViewSet(ReadOnlyViewSet):
    """Published workflows."""

    model = Definition
    serializer_class = serializers.DefinitionSerializer
    permission = "workflow.view_definition"
    permissions: ClassVar[dict[str, str]] = {"create": "workflow.publish_definition"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.Publish}
    filterset_fields = ("key", "is_archived")

    def rows(self) -> QuerySet[Definition]:
        return selectors.list_definitions(self.actor)

    def create(self, request: Request) -> Response:
        """Publish a version. The same document again changes nothing; faults are named at their places."""
        given = self.given()
        version = definitions.publish(actor=self.actor, document=_document(given), note=given.get("note", ""))
        return self.answer(version.definition, status=201)

    # While it is made

    @extend_schema(responses=serializers.PaletteSerializer)
    @action(detail=False, pagination_class=None, filterset_class=None, filterset_fields=None)
    def palette(self, request: Request) -> Response:
        """What a workflow can be made of here."""
        return Response(serializers.PaletteSerializer(palette(self.actor)).data)

    @extend_schema(responses=serializers.ReportSerializer)
    @action(detail=False, methods=["post"], input=serializers.GivenDocument)
    def check(self, request: Request) -> Response:
        """Look a document through as publishing would; nothing is kept."""
        report = definitions.check(actor=self.actor, document=_document(self.given()))
        return Response(serializers.ReportSerializer(report).data)

    @extend_schema(responses=serializers.SimulationSerializer)
    @action(detail=False, methods=["post"], input=serializers.Simulate)
    def simulate(self, request: Request) -> Response:
        """Play a document through with inputs and answers; nothing is kept and nobody is called."""
        given = self.given()
        played = definitions.simulate(
            actor=self.actor,
            document=_document(given),
            inputs=given.get("inputs"),
            answers={key: Answer(**answer) for key, answer in given.get("answers", {}).items()},
            reverse_at=given.get("reverse_at"),
        )
        return Response(serializers.SimulationSerializer(played).data)

    # Its versions

    @extend_schema(responses=serializers.VersionSerializer(many=True))
    @action(detail=True, permission="workflow.view_definitionversion", pagination_class=None, filterset_class=None)
    def versions(self, request: Request, public_id: str) -> Response:
        """All versions with their documents, newest first."""
        found = selectors.list_versions(self.get_object())
        return Response(serializers.VersionSerializer(found, many=True).data)

    @extend_schema(parameters=[_at], responses=serializers.VersionSerializer)
    @action(detail=True, permission="workflow.view_definitionversion", url_path=r"versions/(?P<number>[0-9]{1,9})")
    def version(self, request: Request, public_id: str, number: str) -> Response:
        """One version."""
        return Response(serializers.VersionSerializer(selectors.get_version(self.get_object(), int(number))).data)

    @extend_schema(parameters=[serializers.OfVersion], responses={(200, "text/yaml"): dict})
    @action(detail=True, permission="workflow.view_definitionversion", renderer_classes=[YamlText])
    def yaml(self, request: Request, public_id: str) -> HttpResponse:
        """A version as YAML, the current one unless another is asked for."""
        definition: Definition = self.get_object()
        version = selectors.get_version(definition, _asked(request, serializers.OfVersion).get("version"))
        name = f"{definition.key}-{version.number}.yaml"
        return HttpResponse(
            documents.to_yaml(version.document),
            content_type="text/yaml; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @extend_schema(parameters=[serializers.Between], responses=serializers.DifferenceSerializer)
    @action(detail=True, permission="workflow.view_definitionversion")
    def diff(self, request: Request, public_id: str) -> Response:
        """What changed in behaviour from one version to another; the current one and the one before it by default."""
        asked = _asked(request, serializers.Between)
        found = definitions.difference(
            actor=self.actor, definition=self.get_object(), before=asked.get("from"), after=asked.get("to")
        )
        return Response(serializers.DifferenceSerializer(found).data)

    @action(
        detail=True, methods=["post"], permission="workflow.publish_definition", input=serializers.RollBack,
        url_path="roll-back",
    )  # fmt: skip
    def roll_back(self, request: Request, public_id: str) -> Response:
        """Let new runs start on an earlier version again."""
        return self.answer(definitions.roll_back(actor=self.actor, definition=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="workflow.publish_definition", input=serializers.Nothing)
    def archive(self, request: Request, public_id: str) -> Response:
        """Let no new runs start on it."""
        return self.answer(definitions.archive(actor=self.actor, definition=self.get_object()))

    @action(detail=True, methods=["post"], permission="workflow.publish_definition", input=serializers.Nothing)
    def restore(self, request: Request, public_id: str) -> Response:
        """Let new runs start on it again."""
        return self.answer(definitions.restore(actor=self.actor, definition=self.get_object()))


def _document(given: dict[str, Any]) -> dict[str, Any] | str:
    found: dict[str, Any] | str = given["document"] if "document" in given else given.get("yaml", "")
    return found


def _asked(request: Request, reader: type[Serializer[Any]]) -> dict[str, Any]:
    """The address's query, cleaned."""
    serializer = reader(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class DraftViewSet(ReadOnlyViewSet):
    """Working copies of workflows, one for each key. They may be faulty."""

    model = DefinitionDraft
    serializer_class = serializers.DraftSerializer
    permission = "workflow.view_definitiondraft"
    permissions: ClassVar[dict[str, str]] = dict.fromkeys(
        ("create", "update", "destroy"), "workflow.publish_definition"
    )
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": serializers.NewDraft,
        "update": serializers.SaveDraft,
    }
    etagged = True
    filterset_fields = ("key",)

    def rows(self) -> QuerySet[DefinitionDraft]:
        return selectors.list_drafts(self.actor)

    def get_serializer_class(self) -> Any:
        return serializers.DraftSummarySerializer if self.action == "list" else self.serializer_class

    def create(self, request: Request) -> Response:
        """Begin a working copy."""
        return self.answer(drafts.create(actor=self.actor, **self.given()), status=201)

    def update(self, request: Request, public_id: str) -> Response:
        """Keep it as it is now."""
        draft = self.get_object()
        return self.answer(drafts.save(actor=self.actor, draft=draft, **self.given()))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Throw it away; what is published stays."""
        drafts.discard(actor=self.actor, draft=self.get_object())
        return Response(status=204)


class LimitViewSet(ReadOnlyViewSet):
    """How much at once, and how often: for a key that handlers name ("binding:…"), or ``realm`` for all tasks."""

    model = Limit
    serializer_class = serializers.LimitSerializer
    permission = "workflow.view_limit"
    permissions: ClassVar[dict[str, str]] = {"create": "workflow.change_limit", "destroy": "workflow.change_limit"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.SetLimit}
    filterset_fields = ("key",)

    def rows(self) -> QuerySet[Limit]:
        return selectors.list_limits(self.actor)

    def create(self, request: Request) -> Response:
        """Set the limit of a key, whether it had one or not."""
        return self.answer(limits.set_limit(actor=self.actor, **self.given()), status=201)

    def destroy(self, request: Request, public_id: str) -> Response:
        """Lift it: what waited for it goes on."""
        limits.lift(actor=self.actor, limit=self.get_object())
        return Response(status=204)


class RunFilter(FilterSet):
    definition = CharFilter("version__definition__key")
    part_of = CharFilter(method="only_parts", label="Only runs that a task of the run with this public id started")
    open = BooleanFilter(method="only_open", label="Only runs under way, or only closed ones")

    class Meta:
        model = Run
        fields = ("state", "subject_kind", "subject_id")

    def only_parts(self, queryset: QuerySet[Run], name: str, value: str) -> QuerySet[Run]:
        return queryset.filter(parent__run__public_id=value)

    def only_open(self, queryset: QuerySet[Run], name: str, value: bool) -> QuerySet[Run]:
        return queryset.exclude(state__in=CLOSED_RUN_STATES) if value else queryset.filter(state__in=CLOSED_RUN_STATES)


class RunViewSet(ReadOnlyViewSet):
    """Workflows under way and those that have ended: completed or reversed."""

    model = Run
    serializer_class = serializers.RunSerializer
    permission = "workflow.view_run"
    permissions: ClassVar[dict[str, str]] = {"create": "workflow.start_run"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.StartRun}
    filterset_class = RunFilter
    ordering_fields = ("id", "started_at")

    def rows(self) -> QuerySet[Run]:
        return selectors.list_runs(self.actor)

    def create(self, request: Request) -> Response:
        """Start a run by hand, about nothing in particular."""
        return self.answer(runs.start_by_hand(actor=self.actor, **self.given()), status=201)

    @extend_schema(responses=oversight.CountsSerializer)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def counts(self, request: Request) -> Response:
        """How many runs are under way, waiting, late or with people, and at which tasks they stand."""
        return Response(oversight.CountsSerializer(board.counts(self.actor)).data)

    @extend_schema(
        responses=oversight.LearningSerializer(many=True),
        parameters=[OpenApiParameter("days", int, enum=insight.WINDOWS, description="How far back; 30 if not given")],
    )
    @action(detail=False, pagination_class=None, filterset_class=None)
    def insight(self, request: Request) -> Response:
        """Lead times and their parts, failures and people's time of every workflow of which runs ended lately."""
        days = request.query_params.get("days", "30")
        if days not in {str(known) for known in insight.WINDOWS}:
            raise InvalidInput(fields={"days": [_("7, 30 or 90.")]})
        learned = insight.learn(self.actor, int(days))
        return Response(oversight.LearningSerializer(learned, many=True).data)

    @extend_schema(responses=serializers.GraphSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def graph(self, request: Request, public_id: str) -> Response:
        """Its tasks and edges with their present states, for drawing."""
        return Response(serializers.GraphSerializer(selectors.graph(self.get_object())).data)

    @extend_schema(
        responses={200: serializers.ChangesSerializer, 304: None},
        parameters=[OpenApiParameter("since", int, description="The sequence of the last event that is known")],
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def changes(self, request: Request, public_id: str) -> Response:
        """What changed after an event, for a live graph. With the last answer's ETag as If-None-Match it costs one
        short read while nothing happens (304)."""
        since = self._since(request)
        tag = f'"{selectors.pulse(self.actor, public_id).token}"'
        if etags.unchanged(request, tag):
            return Response(status=304, headers={"ETag": tag})
        run = self.get_object()
        told = {
            "state": run.state,
            "sequence": run.sequence,
            "nodes": selectors.list_changed(run, since),
            "journal": journal.journal_since(run, since),
        }
        shown = serializers.ChangesSerializer(told, context={"actor": self.actor}).data
        return Response(shown, headers={"ETag": tag})

    @staticmethod
    def _since(request: Request) -> int:
        given = request.query_params.get("since", "0")
        if not given.isascii() or not given.isdigit() or len(given) > 9:
            raise InvalidInput(fields={"since": [_("The sequence of an event, a whole number.")]})
        return int(given)

    @extend_schema(responses=serializers.PartSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def parts(self, request: Request, public_id: str) -> Response:
        """The runs its tasks started (sub-workflows, one for each item of a list)."""
        rows = self.get_queryset().filter(parent__run=self.get_object()).select_related("parent")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializers.PartSerializer(page, many=True).data)

    @extend_schema(responses=serializers.SentenceSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def journal(self, request: Request, public_id: str) -> Response:
        """What happened, in sentences, in order."""
        found = journal.journal(self.get_object())
        return Response(serializers.SentenceSerializer(found, many=True, context={"actor": self.actor}).data)

    @extend_schema(responses=serializers.TaskSerializer(many=True))
    @action(detail=True, permission="workflow.view_taskrun", pagination_class=None, filterset_class=None)
    def tasks(self, request: Request, public_id: str) -> Response:
        """Its tasks in order."""
        found = selectors.list_tasks(self.get_object())
        return Response(serializers.TaskSerializer(found, many=True).data)

    @extend_schema(
        responses=serializers.ReversalPlanSerializer,
        parameters=[OpenApiParameter("to", str, description="Only what going back to the task of this key would undo")],
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def preview(self, request: Request, public_id: str) -> Response:
        """What reversing it would undo now, what it could not, and who would get work."""
        run, to = self.get_object(), request.query_params.get("to", "")
        if to:
            plan = runs.preview_taking_back(actor=self.actor, run=run, to=to)
        else:
            plan = runs.preview_reversal(actor=self.actor, run=run)
        return Response(serializers.ReversalPlanSerializer(plan).data)

    @action(detail=True, methods=["post"], permission="workflow.reverse_run", input=serializers.Reverse)
    def reverse(self, request: Request, public_id: str) -> Response:
        """Undo everything it made. There is no way back."""
        return self.answer(runs.reverse(actor=self.actor, run=self.get_object(), **self.given()))

    @action(
        detail=True, methods=["post"], url_path="take-back", permission="workflow.reverse_run",
        input=serializers.TakeBack,
    )  # fmt: skip
    def take_back(self, request: Request, public_id: str) -> Response:
        """Send it back to one of its tasks: that and what came after is undone and done again."""
        return self.answer(runs.take_back(actor=self.actor, run=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="workflow.move_run", input=serializers.Move)
    def move(self, request: Request, public_id: str) -> Response:
        """Let it go on by another version, when what it has done is the same there."""
        return self.answer(runs.move(actor=self.actor, run=self.get_object(), **self.given()))

    @extend_schema(responses={201: serializers.SignalSerializer})
    @action(detail=True, methods=["post"], permission="workflow.signal_run", input=serializers.SendSignal)
    def signal(self, request: Request, public_id: str) -> Response:
        """Tell it something; a task that waits for it goes on, else it is kept."""
        sent = signals.send(actor=self.actor, run=self.get_object(), **self.given())
        return Response(serializers.SignalSerializer(sent).data, status=201)


class TaskFilter(FilterSet):
    run = CharFilter("run__public_id")

    class Meta:
        model = TaskRun
        fields = ("state", "kind", "key")


_ADDRESS = OpenApiParameter("address", str, OpenApiParameter.PATH, description="Run's public id, hyphen, task's key")
_of_one_task = extend_schema(parameters=[_ADDRESS])


@extend_schema_view(retrieve=_of_one_task)
class TaskViewSet(ReadOnlyViewSet):
    """Tasks of all runs. ``?state=attention`` lists what waits for people."""

    model = TaskRun
    serializer_class = serializers.TaskSerializer
    permission = "workflow.view_taskrun"
    filterset_class = TaskFilter
    lookup_field = "address"
    lookup_value_regex = "[0-9a-z]{12}-[a-z][a-z0-9_]*"

    def rows(self) -> QuerySet[TaskRun]:
        return selectors.list_tasks_visible(self.actor)

    def get_object(self) -> TaskRun:
        run, _hyphen, key = self.kwargs["address"].partition("-")
        found: TaskRun | None = self.get_queryset().filter(run__public_id=run, key=key).first()
        if found is None:
            raise NotFound
        return found

    @extend_schema(parameters=[_ADDRESS], responses=serializers.AttemptSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def attempts(self, request: Request, address: str) -> Response:
        """Every attempt that has ended, first to last."""
        found = selectors.list_attempts(self.get_object())
        return Response(serializers.AttemptSerializer(found, many=True).data)

    @_of_one_task
    @action(detail=True, methods=["post"], permission="workflow.retry_task", input=serializers.Nothing)
    def retry(self, request: Request, address: str) -> Response:
        """Try it again now, with a fresh count of attempts."""
        return self.answer(tasks.retry(actor=self.actor, task=self.get_object()))

    @_of_one_task
    @action(detail=True, methods=["post"], permission="workflow.complete_task", input=serializers.Complete)
    def complete(self, request: Request, address: str) -> Response:
        """A person did it; the run goes on with these outputs."""
        return self.answer(tasks.complete_by_hand(actor=self.actor, task=self.get_object(), **self.given()))

    @_of_one_task
    @action(detail=True, methods=["post"], permission="workflow.skip_task", input=serializers.Skip)
    def skip(self, request: Request, address: str) -> Response:
        """Leave it out, where its definition allows."""
        return self.answer(tasks.skip(actor=self.actor, task=self.get_object(), **self.given()))


class BulkViewSet(ReadOnlyViewSet):
    """One thing done to many runs: asked once, done run by run by the workers, each with its own outcome."""

    model = Bulk
    serializer_class = oversight.BulkSerializer
    permission = "workflow.view_bulk"
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": oversight.BeginBulk}

    def rows(self) -> QuerySet[Bulk]:
        return bulks.list_all(self.actor)

    def create(self, request: Request) -> Response:
        """Retry failed tasks of many runs, undo or move many. Answers at once; `progress` tells how far it is."""
        key = request.headers.get("Idempotency-Key", "")[:200]
        return self.answer(bulk.begin(actor=self.actor, key=key, **self.given()), status=201)

    @extend_schema(responses=oversight.BulkPreviewSerializer)
    @action(detail=False, methods=["post"], input=oversight.BeginBulk)
    def preview(self, request: Request) -> Response:
        """What it would do to these runs now. Changes nothing."""
        given = self.given()
        given.pop("reason", None)
        told = bulk.preview(actor=self.actor, **given)
        return Response(oversight.BulkPreviewSerializer(told).data)

    @extend_schema(responses=oversight.ProgressSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def progress(self, request: Request, public_id: str) -> Response:
        """How many of its runs have which outcome."""
        return Response(oversight.ProgressSerializer(bulks.progress(self.get_object())).data)

    @extend_schema(responses=oversight.BulkItemSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def items(self, request: Request, public_id: str) -> Response:
        """What became of each run, in the order they were named."""
        found = bulks.list_items(self.get_object())
        return Response(oversight.BulkItemSerializer(found, many=True).data)
