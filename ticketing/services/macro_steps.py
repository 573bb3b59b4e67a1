"""The desk's own verbs as steps of macros: each calls the service that a person's click would call."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.problems import InvalidInput, NotFound
from boss.tenancy.models import User
from boss.tenancy.selectors import list_staff
from ticketing import desk, placeholders, selectors, statuses
from ticketing.choices import ChecklistSource, MessageKind, Priority
from ticketing.contracts import MacroStepKind, Text
from ticketing.models import Ticket
from ticketing.placeholders import Filled
from ticketing.services import checklists, snippets, tickets

ME, NOBODY = "me", "nobody"


def _statuses(actor: Actor) -> Sequence[tuple[str, Text]]:
    """Those of all categories; a ticket whose category has none of this key refuses the macro."""
    found = {status.key: status.label for status in statuses.effective(())}
    for published in selectors.list_present_schemas(actor):
        for status in published.own_statuses():
            found.setdefault(status.key, status.label)
    return list(found.items())


def _move(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    return tickets.move(actor=actor, ticket=ticket, status=value, reason=_filled(actor, ticket, text))


def _pools(actor: Actor) -> Sequence[tuple[str, Text]]:
    return list(selectors.names_of_all_pools())


def _to_pool(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    return tickets.send_to_pool(actor=actor, ticket=ticket, pool=selectors.get_pool(value))


def _people(actor: Actor) -> Sequence[tuple[str, Text]]:
    named = [(each.public_id, each.full_name) for each in list_staff(actor)]
    return [(ME, gettext_lazy("whoever runs the macro")), (NOBODY, gettext_lazy("nobody: back into its pool")), *named]


def _give(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    """Taking what nobody has is a claim, as by hand; taking it from another, or giving it, is an assignment."""
    if value == NOBODY:
        return tickets.release(actor=actor, ticket=ticket)
    if value == ME and ticket.assignee_id is None:
        return tickets.claim(actor=actor, ticket=ticket)
    if value == ME and ticket.assignee_id == actor.user_id:
        return ticket
    wanted = {"pk": actor.user_id} if value == ME else {"public_id": value}
    person = User.objects.visible_to(actor).filter(**wanted).first()
    if person is None:
        raise InvalidInput(_("The person it would be given to is not here any more."))
    return tickets.assign(actor=actor, ticket=ticket, user=person)


def _priorities(actor: Actor) -> Sequence[tuple[str, Text]]:
    return [(str(value), label) for value, label in Priority.choices]


def _prioritize(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    return tickets.prioritize(actor=actor, ticket=ticket, priority=int(value))


def _categories(actor: Actor) -> Sequence[tuple[str, Text]]:
    return [(category.key, category.name) for category in selectors.list_categories(actor)]


def _recategorise(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    category = selectors.find_category(value)
    if category is None:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    return tickets.recategorise(actor=actor, ticket=ticket, category=category)


def _note(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    body = _filled(actor, ticket, text)
    return tickets.add_message(actor=actor, ticket=ticket, body=body, kind=MessageKind.INTERNAL)


def _shared_texts(actor: Actor) -> Sequence[tuple[str, Text]]:
    """Not one's own: a macro is everybody's."""
    return list(desk.list_snippets(actor).filter(owner=None).values_list("public_id", "name"))


def _reply(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    try:
        snippet = desk.get_snippet(actor, value)
    except NotFound:
        raise InvalidInput(_("The text it would answer with is not there any more, or not for you.")) from None
    told = snippets.insertion(actor=actor, snippet=snippet, ticket=ticket)
    _refuse_missing(told.missing)
    return tickets.add_message(actor=actor, ticket=ticket, body=told.text, kind=MessageKind.PUBLIC)


def _tell_reply(actor: Actor, ticket: Ticket, value: str, text: str) -> str:
    snippet = desk.list_snippets(actor).filter(public_id=value).first()
    return "" if snippet is None else snippets.insertion(actor=actor, snippet=snippet, ticket=ticket).text


def _tell_text(actor: Actor, ticket: Ticket, value: str, text: str) -> str:
    return placeholders.fill(text, placeholders.values(actor, ticket)).text


def _checklist(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    return checklists.add(actor=actor, ticket=ticket, texts=text.splitlines(), source=ChecklistSource.MACRO)


def _filled(actor: Actor, ticket: Ticket, text: str) -> str:
    told: Filled = placeholders.fill(text, placeholders.values(actor, ticket)) if "{" in text else Filled(text)
    _refuse_missing(told.missing_words)
    return told.text


def _refuse_missing(missing: Sequence[str]) -> None:
    if missing:
        raise InvalidInput(_("Nothing is known for: %(names)s.") % {"names": ", ".join(missing)})


KINDS = (
    MacroStepKind(
        "status", gettext_lazy("Status"), _move, _statuses, text=gettext_lazy("Reason"),
        right="ticketing.resolve_ticket",
    ),
    MacroStepKind("pool", gettext_lazy("Move to the pool"), _to_pool, _pools, right="ticketing.assign_ticket"),
    MacroStepKind("assignee", gettext_lazy("Give it to"), _give, _people, right="ticketing.assign_ticket"),
    MacroStepKind("priority", gettext_lazy("Priority"), _prioritize, _priorities, right="ticketing.change_ticket"),
    MacroStepKind("category", gettext_lazy("Category"), _recategorise, _categories, right="ticketing.change_ticket"),
    MacroStepKind(
        "reply", gettext_lazy("Answer the customer with"), _reply, _shared_texts, _tell_reply,
        right="ticketing.add_message",
    ),
    MacroStepKind(
        "note", gettext_lazy("Internal note"), _note, tell=_tell_text, needs_value=False,
        text=gettext_lazy("Note"), needs_text=True, right="ticketing.add_internal_message",
    ),
    MacroStepKind(
        "checklist", gettext_lazy("Checklist"), _checklist, needs_value=False,
        text=gettext_lazy("Points, one on each line"), needs_text=True, right="ticketing.change_ticket",
    ),
)  # fmt: skip
