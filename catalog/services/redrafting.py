"""The next version of a plan, made from the one on sale: a published version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from catalog import selectors
from catalog.choices import PlanVersionState, Process
from catalog.errors import PlanFrozen
from catalog.models import Plan, PlanFeature, PlanOption, PlanPrice, PlanVersion
from catalog.services import plans
from workflow import selectors as workflow


@service
def use_workflows(*, actor: Actor, version: PlanVersion, workflows: Mapping[str, str]) -> PlanVersion:
    """Sell a plan with other workflows from now on: a new version goes on sale that is otherwise the one on sale.

    ``workflows`` maps processes to definition keys and is all of them; an empty key names none. What was sold and
    orders under way keep theirs. The same workflows give the version there is. Raises :class:`PlanFrozen` when
    ``version`` is not on sale, and :class:`InvalidInput` with the process whose workflow cannot be used.
    """
    Plan.objects.select_for_update().get(pk=version.plan_id)
    version = selectors.get_version(version.pk)

    require(actor, "catalog.change_plan", version.plan)
    require(actor, "catalog.publish_plan", version.plan)

    if version.state != PlanVersionState.PUBLISHED:
        raise PlanFrozen(_("Only a version on sale can be given other workflows."))
    wanted = {process: key for process, key in workflows.items() if key}
    if faults := _faults(version, wanted):
        raise InvalidInput(fields=faults)
    if wanted == version.workflows:
        return version

    row = _copy(version, workflows=wanted)

    audit.record(
        actor=actor, action="plan.version_drafted", subject=row, before={"workflows": version.workflows},
        after={"number": row.number, "workflows": wanted},
    )  # fmt: skip
    return plans.publish(actor=actor, version=row)


def _faults(version: PlanVersion, wanted: Mapping[str, str]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if not wanted.get(Process.ACTIVATE):
        faults[Process.ACTIVATE] = [_("A plan needs a workflow that activates it.")]
    for process, key in wanted.items():
        if process not in Process.values:
            faults[process] = [_("There is no process %(name)s.") % {"name": process}]
        elif version.workflows.get(process) != key:
            definition = workflow.find_definition(key)
            if definition is None or definition.current_id is None or definition.is_archived:
                faults[process] = [_("There is no workflow %(key)s in use.") % {"key": key}]
    return faults


def _copy(version: PlanVersion, **changed: Any) -> PlanVersion:
    """A draft with everything of ``version``, in rows of its own."""
    kept = ("currency", "technologies", "workflows", "term_months", "early_end_fee", "sold_from", "sold_until")
    latest = PlanVersion.objects.filter(plan_id=version.plan_id).order_by("-number").values_list("number", flat=True)[0]
    row: PlanVersion = PlanVersion.objects.create(
        plan=version.plan, number=latest + 1, **{name: getattr(version, name) for name in kept} | changed
    )
    PlanFeature.objects.bulk_create(_anew(part, plan_version=row) for part in version.features.all())
    before = list(version.options.all())
    after = PlanOption.objects.bulk_create([_anew(option, plan_version=row) for option in before])
    options: dict[int | None, PlanOption] = {old.pk: new for old, new in zip(before, after, strict=True)}
    PlanPrice.objects.bulk_create(
        _anew(price, plan_version=row, option=options.get(price.option_id)) for price in version.prices.all()
    )
    return row


def _anew(part: Any, **changed: Any) -> Any:
    """The same row once more, unsaved."""
    names = [field.name for field in part._meta.concrete_fields if not field.primary_key]
    return type(part)(**{name: getattr(part, name) for name in names} | changed)
