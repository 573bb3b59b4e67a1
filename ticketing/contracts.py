"""What a room above says about the things its tickets are about.

A room registers one :class:`SubjectKind` per kind of thing in ``AppConfig.ready``::

    subject_kinds.register("workflow.task", SubjectKind(key="workflow.task", title=_("Task"), describe=describe, …))

Every callable takes its arguments by position, runs in the caller's realm and transaction, and may query.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.utils.functional import Promise

from boss.core.actors import Actor
from boss.core.schema import Characteristic

if TYPE_CHECKING:  # models import this module's neighbours; the contract only names the type
    from ticketing.models import Ticket

Text = str | Promise


@dataclass(frozen=True, slots=True)
class SubjectCard:
    """How a subject is shown beside a ticket: one line, an address inside the console ("" for none), some facts."""

    label: str
    url: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveCard:
    """How a linked thing stands at this moment. ``state`` in words; ``tone`` as the console's marks have it."""

    public_id: str
    label: str
    url: str = ""
    state: Text = ""
    tone: Literal["busy", "wait", "ok", "bad", "idle"] = "idle"
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way a ticket can end. ``characteristics`` are the results the person must give (a typed form).

    With ``needs_confirmation`` (effects are undone, money or live service is touched)
    ``tickets.resolve(…, confirmed=True)`` is asked for; without it the resolution is refused and nothing happens.
    """

    key: str
    label: Text
    characteristics: tuple[Characteristic, ...] = ()
    needs_confirmation: bool = False
    help: Text = ""


def _free(ticket: Ticket) -> Sequence[Outcome]:
    return ()


def _nothing_follows(actor: Actor, ticket: Ticket, outcome_key: str, values: Mapping[str, Any]) -> None:
    return None


def _none(subject_id: int) -> None:
    return None


def _nobody(actor: Actor, subject_id: int) -> bool:
    return False


def _nothing_live(actor: Actor, subject_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    return {}


def _nothing_found(actor: Actor, text: str) -> Sequence[LiveCard]:
    return ()


def _unknown(actor: Actor, public_id: str) -> int | None:
    return None


def _by_no_rule(subject_id: int) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """A kind of thing tickets are about. ``key`` is stored in rows, so it never changes ("workflow.task").

    - ``describe(subject_id)``: the card. Must not fail for a subject that is gone: return a card that says so.
    - ``outcomes(ticket)``: the ways its tickets may end *now*; none means that resolving is free. When there are
      some, a ticket ends by one of them and in no other way, and does not reopen.
    - ``resolved(actor, ticket, outcome_key, values)``: called inside the resolving transaction with cleaned values.
      Raise a :class:`boss.core.problems.Problem` to refuse: then nothing has happened.
    - ``lock(subject_id)``: takes the subject's own row lock, before the ticket's. Needed when the subject's room
      opens or closes tickets while it holds that lock; otherwise two people can wait for one another for ever.
    - ``account_id(subject_id)``: the account it belongs to, so that the account's page lists the ticket.
    - ``may_link(actor, subject_id)``: whether somebody without realm-wide rights (a subscriber) may open a ticket
      about this subject. Nobody, unless said otherwise.

    For links by hand and the panel beside a ticket (ADR 0152); a kind without them is not offered there:

    - ``live(actor, subject_ids)``: how those stand which the actor may see, by id, in a number of statements that does
      not grow with the ids. What he may not see is left out, its name too.
    - ``search(actor, text)``: what people mean by a number or by words, at most a dozen, among what the actor may see.
    - ``identify(actor, public_id)``: the id of a subject he may see, else None.

    - ``rule_run(subject_id)``: the number of the automation rule's run that has set this subject going, None for
      none: so that rules that set one another off over several tickets end, too.
    """

    key: str
    title: Text
    describe: Callable[[int], SubjectCard]
    outcomes: Callable[[Ticket], Sequence[Outcome]] = _free
    resolved: Callable[[Actor, Ticket, str, Mapping[str, Any]], None] = _nothing_follows
    lock: Callable[[int], None] = _none
    account_id: Callable[[int], int | None] = _none
    may_link: Callable[[Actor, int], bool] = _nobody
    live: Callable[[Actor, Sequence[int]], Mapping[int, LiveCard]] = _nothing_live
    search: Callable[[Actor, str], Sequence[LiveCard]] = _nothing_found
    identify: Callable[[Actor, str], int | None] = _unknown
    rule_run: Callable[[int], int | None] = _by_no_rule

    @property
    def decides_ends(self) -> bool:
        """Whether its tickets may have outcomes: then they end by those and by nothing else."""
        return self.outcomes is not _free

    @property
    def is_linkable(self) -> bool:
        """Whether people may link tickets to it by hand."""
        return self.identify is not _unknown


@dataclass(frozen=True, slots=True)
class ReferenceKind:
    """A kind of thing that ticket fields name by its public id (the field's type is the kind's key).

    ``find(actor, public_id)``: its card if it is there and the actor may see it, else None. ``expects`` is what the
    field asks people for.
    """

    key: str
    title: Text
    find: Callable[[Actor, str], SubjectCard | None]
    expects: Text = ""


def _as_written(actor: Actor, ticket: Ticket, value: str, text: str) -> str:
    return text


def _no_choice(actor: Actor) -> Sequence[tuple[str, Text]]:
    return ()


@dataclass(frozen=True, slots=True)
class MacroStepKind:
    """A verb that macros may use. ``key`` is stored in their steps, so it never changes.

    - ``run(actor, ticket, value, text)``: does it with the actor's own rights, as if by hand, inside the macro's
      transaction. Raise a :class:`boss.core.problems.Problem` to refuse: then the whole macro has done nothing.
    - ``choices(actor)``: what ``value`` may be, with words; none where the verb needs no value.
    - ``tell(actor, ticket, value, text)``: the text as it would be written on this ticket, for the preview.
    - ``text``: what the text of a step is ("" where it has none), and ``needs_text`` whether it must not be empty.

    For automation rules, which nobody's click runs:

    - ``right``: what whoever writes such a rule must hold, as whoever would do it by hand.
    - ``reaches_beyond``: it does something outside the desk. No mail whose sender is not verified sets that off.
    """

    key: str
    title: Text
    run: Callable[[Actor, Ticket, str, str], object]
    choices: Callable[[Actor], Sequence[tuple[str, Text]]] = _no_choice
    tell: Callable[[Actor, Ticket, str, str], str] = _as_written
    needs_value: bool = True
    text: Text = ""
    needs_text: bool = False
    right: str = ""
    reaches_beyond: bool = False


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """Something else a row of promised times may ask of a ticket. ``key`` is stored in policies ("plans").

    - ``choices()``: the keys a row may name, with their words; none where they are too many to list.
    - ``existing(keys)``: which of these there are.
    - ``of(tickets, accounts)``: which of them hold for each ticket, in the order of ``tickets``; ``accounts`` are the
      ids of the accounts each is linked to. A ticket may not be written yet. In a fixed number of statements.
    """

    key: str
    title: Text
    choices: Callable[[], Sequence[tuple[str, Text]]]
    existing: Callable[[Collection[str]], Collection[str]]
    of: Callable[[Sequence[Ticket], Sequence[Collection[int]]], Sequence[frozenset[str]]]
