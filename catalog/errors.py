"""Refusals of the catalog."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import NotFound, Problem, WrongState


class UnknownFeature(Problem):
    code = "catalog.unknown_feature"
    title = _("There is no such feature in this catalog.")


class UnknownPlan(NotFound):
    code = "catalog.unknown_plan"
    title = _("There is no such plan.")


class PlanNotComplete(Problem):
    """A version cannot be published: something it needs is missing or contradicts itself."""

    code = "catalog.plan_not_complete"
    title = _("This plan cannot be published yet.")


class PlanFrozen(WrongState):
    code = "catalog.plan_frozen"
    title = _("A published plan never changes. Make a new version.")


class KeyTaken(Problem):
    code = "catalog.key_taken"
    title = _("This key is already used in the catalog.")
