"""A new request: topics that bring their own questions, for subscribers and for the people of organizations alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from boss.core import schema
from boss.core.actors import Actor
from boss.core.handing_over import handed_over
from boss.core.problems import InvalidInput, Problem
from boss.look import kept_files, once
from boss.look.attached import Shown, shown
from boss.look.marks import Mark
from boss.look.values import in_words
from boss.portals.selfhelp import words
from boss.portals.selfhelp.forms import TicketForm
from ticketing import attachments, fields, references, selectors, statuses
from ticketing.choices import CategoryKind
from ticketing.fields import FieldDef, Situation, Viewer
from ticketing.models import Attachment, Category, Message, Ticket
from ticketing.services import tickets as desk
from ticketing.statuses import StatusDef

Form = TypeVar("Form", bound=TicketForm)


@dataclass(frozen=True, slots=True)
class Asking(Generic[Form]):
    """The form as it stands, ``topics`` by their keys. ``sent``: meant to be opened, and complete."""

    form: Form
    topics: dict[str, Category]
    sent: bool

    def context(self) -> dict[str, Any]:
        """For ``portals/components/asking.html``."""
        return {"form": self.form, "topics": self.topics, "form_key": once.new_key()}

    @property
    def status(self) -> int:
        return 422 if self.form.is_bound and self.form.errors else 200


def ask(request: HttpRequest, kind: type[Form], **more: Any) -> Asking[Form]:
    """The form for what the request says. Choosing a topic brings its questions (by a button where no script is)."""
    topics = {category.key: category for category in selectors.list_portal_categories() if is_topic(category)}
    asked = request.POST.get("category") or request.GET.get("category", "")
    form = _form(request, kind, topics, topics.get(asked), more)
    kept_files.bring(form, request, "new")
    sent = form.is_bound and form.is_valid()
    if request.method == "POST" and not sent:  # without a script the button that asks for questions brings files, too
        kept_files.keep(form, request)
    return Asking(form, topics, sent)


def open_asked(request: HttpRequest, form: TicketForm, **more: Any) -> Ticket | None:
    """The ticket; None when it was refused: then the form says why. For a form that was sent."""
    try:
        opened = desk.open(
            actor=request.actor,  # type: ignore[attr-defined]
            category_key=form.cleaned_data["category"],
            title=form.cleaned_data["title"],
            body=form.cleaned_data["body"],
            data=form.answers(),
            files=form.cleaned_data["files"],
            **more,
        )
    except Problem as problem:
        form.add_problem(problem)
        kept_files.keep(form, request)
        return None
    kept_files.sent(form, request)
    return opened


def is_topic(category: Category) -> bool:
    """What customers ask about; leads come from the sign-up portal."""
    return bool(category.kind != CategoryKind.LEAD)


def _form(
    request: HttpRequest,
    kind: type[Form],
    topics: dict[str, Category],
    category: Category | None,
    more: dict[str, Any],
) -> Form:
    published = selectors.find_schema(category) if category is not None else None
    every = published.fields() if published else []
    asked, defaults = _asked(request, every, published.status_defs()) if published else ([], {})
    given = {
        "topics": [(key, topic.title) for key, topic in topics.items()],
        "questions": schema.form_fields((item for item in asked if item.is_given), defaults),
        "headings": _headings(asked),
        "deciding": fields.depends(every),
        **more,
    }
    if request.method != "POST":
        return kind(initial=request.GET.dict(), **given)
    if "choose" in request.POST:  # an answer changed what is asked: show that, keep what was typed, judge nothing
        return kind(initial=_typed(request), **given)
    return kind(request.POST, request.FILES, **given)


def _asked(
    request: HttpRequest, every: list[FieldDef], known: list[StatusDef]
) -> tuple[list[FieldDef], dict[str, Any]]:
    """What this person is asked by what he has answered so far: conditions are decided here, never in the browser. And
    what stands in it at first."""
    viewer = selectors.viewer_of(request.actor, every)  # type: ignore[attr-defined]
    if viewer.role == "staff":
        viewer = Viewer("end_user")
    first = statuses.first_of(known, "new")
    at = Situation(first.key, first.state)
    values: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for item in every:
        if (usual := fields.proposed(item, values, viewer, at)) is not None and item.is_given:
            defaults[item.key] = usual
        if item.is_given and request.method == "POST":
            field = schema.form_fields([item])[item.key]
            raw = field.widget.value_from_datadict(request.POST, request.FILES, f"data.{item.key}")
            try:
                values |= schema.validate([replace(item, required=False)], {item.key: raw})
            except InvalidInput:
                continue  # said beside the field when the form is sent
        elif item.key in defaults:
            values[item.key] = defaults[item.key]
    return fields.asked(every, values, viewer, at), defaults


def _headings(asked: list[FieldDef]) -> dict[str, FieldDef]:
    """The section that stands above a question, by the question's key."""
    found: dict[str, FieldDef] = {}
    above: FieldDef | None = None
    for item in asked:
        if item.is_given and above is not None:
            found[item.key] = above
        above = item if item.type == "section" else None
    return found


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What was typed, lists of several choices as lists."""
    return {key: values if len(values) > 1 else values[0] for key, values in request.POST.lists()}


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the conversation, with the files that came with it."""

    message: Message
    files: list[Shown]


def thread(request: HttpRequest, ticket: Ticket, portal: str) -> list[Line]:
    """The conversation as a customer reads it: public messages only, whatever else he holds."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    messages = list(selectors.list_messages(actor, ticket).filter(kind="public"))
    files = attachments.of_messages(actor, messages)
    return [Line(each, shown(files.get(each.pk, ()), _url_in(portal))) for each in messages]


def _url_in(portal: str) -> Callable[[Attachment], str]:
    return lambda row: reverse(f"{portal}:file", args=[row.public_id])


def file(request: HttpRequest, public_id: str) -> HttpResponse:
    """A file, for whoever may see it. Raises :class:`NotFound`."""
    try:
        found = attachments.fetch(request.actor, public_id)  # type: ignore[attr-defined]
    except attachments.NotOffered as problem:
        return HttpResponse(str(problem), status=problem.status, content_type="text/plain; charset=utf-8")
    return handed_over(found.attachment.name, found.attachment.media_type, found.content)


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer is told of a ticket beside the conversation: its status in his words, and the fields he may
    read, with their files."""

    mark: Mark
    values: list[tuple[str, str, list[Shown]]]


def told(request: HttpRequest, ticket: Ticket, portal: str) -> Told:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    known = selectors.known(ticket.category)
    viewer = selectors.viewer_of(actor, known.fields.values())
    if viewer.role == "staff":
        viewer = Viewer("end_user")
    mark, status = words.TICKET.get(ticket.state, words.UNKNOWN), known.status(ticket)
    if status.customer_label:
        mark = replace(mark, word=status.customer_label)
    files = attachments.of_fields(actor, ticket, known, viewer)
    values = []
    for field in known.readable(ticket, viewer):
        value = ticket.data.get(field.key)
        if field.type == "file":
            rows = [files[value]] if value in files else []
            values += [(field.title, "", shown(rows, _url_in(portal)))] if rows else []
        elif field.key in ticket.data:
            values.append((field.title, _in_words(actor, field, value), []))
    return Told(mark, values)


def _in_words(actor: Actor, field: FieldDef, value: Any) -> str:
    card = references.find(actor, field, value)
    return card.label if card is not None else in_words(field, value, field.labels)
