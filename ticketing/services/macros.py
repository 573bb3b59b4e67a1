"""Writing macros, and running one on a ticket: all of its steps or none, each as if done by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, Problem
from boss.core.services import service
from ticketing import desk, placeholders
from ticketing.contracts import MacroStepKind
from ticketing.errors import KeyTaken, MacroChanged, MacroRefused
from ticketing.models import Macro, MacroVersion, TalentPool, Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.registry import macro_steps
from ticketing.services.tickets import journal

MOST_STEPS = 20
LONGEST = 5000
Steps = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step in words. ``refusal``: why it is not possible here; ``is_tried`` False for those after a refused one."""

    words: str
    detail: str = ""
    refusal: str = ""
    is_tried: bool = True


@service
def create(*, actor: Actor, key: str, name: str, steps: Steps, pool: TalentPool | None = None, note: str = "") -> Macro:
    """A macro for all, or for the people of ``pool``. Raises :class:`KeyTaken`, and InvalidInput with ``name``,
    ``key``, ``steps`` and ``steps.<n>.<member>`` (counted from one)."""
    require(actor, desk.MANAGE)

    wanted, title = read_steps(actor, steps), _name(name)
    locks.hold(f"ticketing.macro:{key}")
    if Macro.objects.filter(key=key).exists():
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})

    macro = Macro(key=key, name=title, pool=pool)
    macro.clean_fields(exclude=["current"])
    macro.save()
    _keep(macro, wanted, actor=actor, note=note)

    audit.record(actor=actor, action="macro.created", subject=macro, after={"key": key, "steps": wanted})
    return macro


@service
def change(
    *, actor: Actor, macro: Macro, name: str, steps: Steps, pool: TalentPool | None = None, note: str = "",
    version: int | None = None,
) -> Macro:  # fmt: skip
    """Keep what it does from now on as its next version. With ``version`` it refuses to replace another than that:
    :class:`MacroChanged`. Raises InvalidInput as :func:`create`."""
    macro = _locked(macro)

    require(actor, desk.MANAGE, macro)

    former = _current(macro)
    if version is not None and version != former.number:
        raise MacroChanged(version=former.number)
    wanted = read_steps(actor, steps)

    macro.name, macro.pool = _name(name), pool
    macro.save(update_fields=["name", "pool"])
    made = _keep(macro, wanted, actor=actor, note=note) if wanted != former.steps else former

    audit.record(
        actor=actor, action="macro.changed", subject=macro, before={"version": former.number, "steps": former.steps},
        after={"version": made.number, "steps": made.steps, "name": macro.name, "pool": pool.key if pool else ""},
    )  # fmt: skip
    return macro


@service
def archive(*, actor: Actor, macro: Macro) -> None:
    """Offer it no more. The logs of tickets go on naming it."""
    macro = _locked(macro)

    require(actor, desk.MANAGE, macro)

    if macro.is_archived:
        return
    macro.is_archived = True
    macro.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="macro.archived", subject=macro, after={"key": macro.key})


@service
def run(
    *, actor: Actor, macro: Macro, ticket: Ticket, version: int | None = None, expected_version: int | None = None
) -> Ticket:
    """Take all steps of a macro on a ticket, in order, in one transaction, with the actor's own rights; or none.

    ``version``: of the macro that was looked at; ``expected_version``: of the ticket. Raises :class:`MacroRefused`
    (``step`` and why), :class:`MacroChanged`, :class:`TicketChanged`.
    """
    _take(actor, macro, ticket, version=version, expected_version=expected_version)
    done: Ticket = Ticket.objects.get(pk=ticket.pk)
    return done


def preview(*, actor: Actor, macro: Macro, ticket: Ticket) -> list[StepTold]:
    """What :func:`run` would do now and what would refuse it: really tried, and taken back. Nothing leaves."""
    told = Words(actor).of(_current(macro), ticket)
    try:
        _try_out(actor=actor, macro=macro, ticket=ticket)
    except _TakenBack:
        return told
    except MacroRefused as refused:
        place = int(refused.data["step"]) - 1
        stopped = StepTold(told[place].words, told[place].detail, refused.detail)
        later = [StepTold(one.words, one.detail, is_tried=False) for one in told[place + 1 :]]
        return [*told[:place], stopped, *later]
    raise AssertionError("a trial always ends by being taken back")


class _TakenBack(Exception):
    """Ends a trial so that its transaction is rolled back."""


@service
def _try_out(*, actor: Actor, macro: Macro, ticket: Ticket) -> None:
    _take(actor, macro, ticket)
    raise _TakenBack


def _take(
    actor: Actor, macro: Macro, ticket: Ticket, *, version: int | None = None, expected_version: int | None = None
) -> None:
    # A step may end the ticket, which locks its subject: that comes before the ticket's own lock, for everybody.
    locked = journal.locked(ticket, expected_version=expected_version, with_subject=True)

    require(actor, VIEW_INTERNAL, locked)

    macro = desk.get_macro(actor, macro.public_id)
    current = _current(macro)
    if version is not None and version != current.number:
        raise MacroChanged(version=current.number)

    journal.write(
        locked, actor=actor, event="macro_run",
        after={"macro": macro.key, "name": macro.name, "version": current.number, "steps": len(current.steps)},
    )  # fmt: skip
    take_steps(actor, ticket, current.steps)


def take_steps(actor: Actor, ticket: Ticket, steps: Steps) -> None:
    """Take steps in order, each as if by hand, in the caller's transaction. Raises :class:`MacroRefused` at the first
    that is refused; the caller takes back what those before it have done."""
    for number, step in enumerate(steps, start=1):
        kind = macro_steps.find(step["do"])
        try:
            if kind is None:
                raise InvalidInput(_("This installation does not know this step any more."))
            kind.run(actor, Ticket.objects.get(pk=ticket.pk), step.get("value", ""), step.get("text", ""))
        except Problem as problem:
            said = [text for texts in problem.fields.values() for text in texts]
            why = " ".join(dict.fromkeys([str(problem), *said]))
            raise MacroRefused(
                _("Step %(n)s, %(step)s: %(why)s") % {"n": number, "step": Words(actor).step(step).words, "why": why},
                step=number, because=problem.code,
            ) from problem  # fmt: skip


class Words:
    """Steps in words for one person; what may be chosen is asked once for each kind of step."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._labels: dict[str, dict[str, str]] = {}

    def of(self, version: MacroVersion, ticket: Ticket | None = None) -> list[StepTold]:
        """The steps of a version; with ``ticket`` their texts as they would be written on it."""
        return [self.step(one, ticket) for one in version.steps]

    def step(self, step: Mapping[str, Any], ticket: Ticket | None = None) -> StepTold:
        kind = macro_steps.find(step["do"])
        if kind is None:
            return StepTold(str(step["do"]))
        value, text = step.get("value", ""), step.get("text", "")
        if kind.needs_value and kind.key not in self._labels:
            self._labels[kind.key] = {key: str(label) for key, label in kind.choices(self.actor)}
        label = self._labels[kind.key].get(value, value) if kind.needs_value else ""
        detail = text if ticket is None else kind.tell(self.actor, ticket, value, text)
        return StepTold(f"{kind.title}: {label}" if label else str(kind.title), detail)


def read_steps(actor: Actor, given: Steps) -> list[dict[str, str]]:
    """Steps as they are kept. Raises :class:`InvalidInput` with ``steps`` and ``steps.<n>.<member>``, from one on."""
    wrong: dict[str, list[str]] = {}
    kept: list[dict[str, str]] = []
    offered: dict[str, set[str]] = {}
    for number, step in enumerate(given, start=1):
        kind = macro_steps.find(str(step.get("do", "")))
        if kind is None:
            wrong[f"steps.{number}.do"] = [_("Choose what is done.")]
            continue
        if kind.needs_value and kind.key not in offered:
            offered[kind.key] = {value for value, _label in kind.choices(actor)}
        value, text = str(step.get("value") or ""), str(step.get("text") or "").strip()
        wrong |= _faults(number, kind, value, text, offered.get(kind.key, set()))
        kept.append(
            {"do": kind.key} | ({"value": value} if kind.needs_value else {}) | ({"text": text} if text else {})
        )
    if not kept and not wrong:
        wrong["steps"] = [_("One step at least.")]
    if len(kept) > MOST_STEPS:
        wrong["steps"] = [_("At most %(n)s steps.") % {"n": MOST_STEPS}]
    if wrong:
        raise InvalidInput(fields=wrong)
    return kept


def _faults(number: int, kind: MacroStepKind, value: str, text: str, offered: set[str]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if kind.needs_value and value not in offered:
        wrong[f"steps.{number}.value"] = [_("There is no such choice.")]
    if kind.needs_text and not text:
        wrong[f"steps.{number}.text"] = [_("Please fill this in.")]
    elif text and not kind.text:
        wrong[f"steps.{number}.text"] = [_("This step has no text.")]
    elif len(text) > LONGEST:
        wrong[f"steps.{number}.text"] = [_("At most %(n)s characters.") % {"n": LONGEST}]
    elif strange := placeholders.unknown(text):
        wrong[f"steps.{number}.text"] = [_("There is no {%(name)s}.") % {"name": strange[0]}]
    return wrong


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise InvalidInput(fields={"name": [_("Please give it a name of at most 80 characters.")]})
    return name


def _keep(macro: Macro, steps: list[dict[str, str]], *, actor: Actor, note: str) -> MacroVersion:
    last = desk.list_macro_versions(macro).first()
    version: MacroVersion = MacroVersion.objects.create(
        macro=macro, number=last.number + 1 if last else 1, steps=steps, note=note.strip()[:200],
        kept_by=actor.label[:200],
    )  # fmt: skip
    macro.current = version
    macro.save(update_fields=["current"])
    return version


def _locked(macro: Macro) -> Macro:
    fresh: Macro = Macro.objects.select_for_update().get(pk=macro.pk)
    return fresh


def _current(macro: Macro) -> MacroVersion:
    if macro.current is None:  # never between two services: a macro is made with its first version
        raise InvalidInput(fields={"steps": [_("A macro has one step at least.")]})
    return macro.current
