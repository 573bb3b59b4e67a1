"""A new request: topics that bring their own questions, for subscribers and for the people of organizations alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.http import HttpRequest

from boss.core import schema
from boss.core.problems import Problem
from boss.look import once
from boss.portals.selfhelp.forms import TicketForm
from ticketing import selectors
from ticketing.choices import CategoryKind
from ticketing.models import Category, Ticket
from ticketing.services import tickets as desk

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
    return Asking(form, topics, form.is_bound and form.is_valid())


def open_asked(request: HttpRequest, form: TicketForm, **more: Any) -> Ticket | None:
    """The ticket; None when it was refused: then the form says why. For a form that was sent."""
    try:
        return desk.open(
            actor=request.actor,  # type: ignore[attr-defined]
            category_key=form.cleaned_data["category"],
            title=form.cleaned_data["title"],
            body=form.cleaned_data["body"],
            data=form.answers(),
            **more,
        )
    except Problem as problem:
        form.add_problem(problem)
        return None


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
    questions = schema.for_customers(published.fields()) if published else []
    made: dict[str, forms.Field] = schema.form_fields(questions)
    given = {"topics": [(key, topic.name) for key, topic in topics.items()], "questions": made, **more}
    if request.method != "POST":
        return kind(initial=request.GET.dict(), **given)
    if "choose" in request.POST:  # the topic was changed: show its questions, keep what was typed, judge nothing
        return kind(initial=request.POST.dict(), **given)
    return kind(request.POST, **given)
