"""What is asked of a report, and how it is kept and mailed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem
from boss.look.forms import BossForm
from boss.tenancy.models import Organization, Site, User
from ticketing.choices import Cadence, Priority
from ticketing.fields import REFERENCES, FieldDef
from ticketing.lists import FIELD, LONGEST
from ticketing.models import Category, TalentPool
from ticketing.reports.asking import CHANNELS, SPANS
from ticketing.reports.contracts import Report


class Picked(forms.CharField):
    """A choice whose values the report itself checks: one that is gone comes back with the report's own words."""

    widget = forms.Select

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def offer(self, first: Any, choices: Sequence[tuple[Any, Any]]) -> None:
        self.widget.choices = [("", first), *choices]  # type: ignore[attr-defined]


class _Day(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.DateInput(attrs={"type": "date"}), **kwargs)


class FilterForm(BossForm):
    """Filters in the address. ``since`` wins over ``days``."""

    days = Picked(label=_("Last days"))
    since = _Day(label=_("Or from"))
    until = _Day(label=_("To"))
    category = Picked(label=_("Category"))
    pool = Picked(label=_("Pool"))
    channel = Picked(label=_("How it came"))
    priority = Picked(label=_("Priority"))
    organization = Picked(label=_("Organization"))
    site = Picked(label=_("Site"))
    group = Picked(label=_("By the field"))

    def __init__(
        self, given: Mapping[str, Any], *, categories: Sequence[Category], pools: Sequence[TalentPool],
        organizations: Sequence[Organization], sites: Sequence[Site], fields: Sequence[FieldDef], report: Report,
    ) -> None:  # fmt: skip
        super().__init__(given)
        spans = {str(days): _("%(n)s days") % {"n": days} for days in SPANS}
        asked = str(given.get("days") or "")
        if asked.isascii() and asked.isdigit() and len(asked) < 5:  # one that was typed into the address stays
            spans.setdefault(asked, _("%(n)s days") % {"n": asked})
        self.fields["days"].widget.choices = list(spans.items())
        self.fields["category"].offer(_("Every category"), [(each.key, each.name) for each in categories])  # type: ignore[attr-defined]
        self.fields["pool"].offer(_("Every pool"), [(each.key, each.name) for each in pools])  # type: ignore[attr-defined]
        self.fields["channel"].offer(_("Every way"), list(CHANNELS.items()))  # type: ignore[attr-defined]
        self.fields["priority"].offer(_("Every priority"), Priority.choices)  # type: ignore[attr-defined]
        self.fields["organization"].offer(  # type: ignore[attr-defined]
            _("Every organization"), [(each.public_id, each.name) for each in organizations]
        )
        self.fields["site"].offer(_("Every site"), [(each.public_id, str(each)) for each in sites])  # type: ignore[attr-defined]
        if not sites:
            del self.fields["site"]
        if not organizations:
            del self.fields["organization"]
        self._offer_fields(fields, report)
        if not report.has_period:
            for name in ("days", "since", "until"):
                del self.fields[name]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field, Picked) else "form-control"

    def _offer_fields(self, fields: Sequence[FieldDef], report: Report) -> None:
        """Those of the category chosen: to count by where the report does so, and to narrow by."""
        if report.by_field:
            countable = [(each.key, each.title) for each in fields if each.type not in REFERENCES]
            first = _("Choose one") if countable else _("A category with fields first")
            self.fields["group"].offer(first, countable)  # type: ignore[attr-defined]
        else:
            del self.fields["group"]
        for each in fields:
            box: forms.Field
            if each.type == "boolean" or each.choices:
                box = Picked(label=each.title)
                offered = [("true", _("Yes")), ("false", _("No"))] if each.type == "boolean" else each.labels.items()
                box.offer(_("Any"), list(offered))
            else:
                box = forms.CharField(label=each.title, required=False, max_length=LONGEST)
            self.fields[f"{FIELD}{each.key}"] = box

    def add_problem(self, problem: Problem) -> None:
        """Beside the fields that are there, and tied to them for screen readers; the others' words at the top."""
        super().add_problem(problem)
        for name in set(self.errors) & set(self.fields):
            described = {"aria-invalid": "true", "aria-describedby": f"{self[name].auto_id}_error"}
            self.fields[name].widget.attrs |= described
            self.fields[name].widget.attrs["class"] += " is-invalid"


class KeepForm(BossForm):
    """A name for a report, who may open it, and when it is mailed to whom."""

    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Give it a name.")})
    is_shared = forms.BooleanField(label=_("Everybody who may see reports finds it"), required=False)
    cadence = forms.ChoiceField(
        label=_("Mail it"), required=False, choices=[("", _("Never")), *Cadence.choices],
        help_text=_("With the numbers of whole days, up to yesterday."),
    )  # fmt: skip
    weekday = forms.TypedChoiceField(
        label=_("On"), coerce=int, choices=[(day + 1, word) for day, word in WEEKDAYS.items()], initial=1,
        help_text=_("For every week."),
    )  # fmt: skip
    monthday = forms.IntegerField(
        label=_("On day"), min_value=1, max_value=28, initial=1, help_text=_("For every month: 1 to 28.")
    )
    at = forms.TimeField(
        label=_("At"), required=False, initial="07:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Where the provider is."),
    )  # fmt: skip
    recipients = forms.MultipleChoiceField(
        label=_("To"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Nobody ticked: to you. Each gets the numbers of the tickets that he may see."),
    )  # fmt: skip

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipients"].choices = [(each.public_id, each.full_name) for each in people]  # type: ignore[attr-defined]
