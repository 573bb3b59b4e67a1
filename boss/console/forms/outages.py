"""An outage as staff type it: what is out, what those concerned read, when it is expected back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ipservices.choices import OutageScopeKind
from ipservices.services.outages.ending import HOURS, MOST_HOURS

LONGEST = 1000
_LINES = forms.Textarea(attrs={"rows": 2})


class ScopeForm(BossForm):
    """What is out: each line, or what stands between commas, names one."""

    nodes = forms.CharField(
        label=_("Access nodes"), required=False, max_length=4000, widget=_LINES,
        help_text=_("One a line, as they are written at the sites."),
    )  # fmt: skip
    sites = forms.CharField(
        label=_("Addresses"), required=False, max_length=20_000, widget=_LINES,
        help_text=_("One a line. “14 Elm St” takes in all units of the house."),
    )  # fmt: skip
    postal_codes = forms.CharField(
        label=_("Postal codes"), required=False, max_length=4000,
        help_text=_("With commas between them."),
    )  # fmt: skip
    cities = forms.CharField(
        label=_("Towns"), required=False, max_length=4000, help_text=_("With commas between them.")
    )
    organizations = forms.CharField(
        label=_("Buildings or organizations"), required=False, max_length=4000, widget=_LINES,
        help_text=_("By name, one a line: all sites that belong to them."),
    )  # fmt: skip
    servers = forms.MultipleChoiceField(label=_("Servers"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, servers: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = list(servers)
        self.fields["servers"].choices = offered  # type: ignore[attr-defined]
        if not offered:
            del self.fields["servers"]

    def scopes(self) -> list[tuple[str, str]]:
        """Pairs of kind and name, in the order of the form."""
        kinds = OutageScopeKind
        typed = self.cleaned_data
        found: list[tuple[str, str]] = [(kinds.NODE, one) for one in _split(typed.get("nodes", ""), commas=True)]
        found += [(kinds.SITE, one) for one in _split(typed.get("sites", ""))]
        found += [(kinds.POSTAL_CODE, one) for one in _split(typed.get("postal_codes", ""), commas=True)]
        found += [(kinds.CITY, one) for one in _split(typed.get("cities", ""), commas=True)]
        found += [(kinds.ORGANIZATION, one) for one in _split(typed.get("organizations", ""))]
        return found + [(kinds.SERVER, one) for one in typed.get("servers", ())]


def _split(text: str, *, commas: bool = False) -> list[str]:
    lines = text.replace(",", "\n").splitlines() if commas else text.splitlines()
    return [line.strip() for line in lines if line.strip()]


class _Said(BossForm):
    text = forms.CharField(
        label=_("What those concerned read"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what those concerned shall read.")},
        help_text=_("On their portal, by mail and on their tickets. Names of others do not belong here."),
    )  # fmt: skip
    eta_at = forms.DateTimeField(
        label=_("Expected back"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text=_("Blank: not known yet."),
    )  # fmt: skip
    by_mail = forms.BooleanField(label=_("Tell each of them by e-mail"), required=False, initial=True)


class NewsForm(_Said):
    """What is new."""


class OutageForm(ScopeForm, _Said):
    """All of a new outage."""

    title = forms.CharField(
        label=_("Title, for staff"), max_length=200,
        error_messages={"required": _("Please say in a few words what this is about.")},
    )  # fmt: skip
    category = forms.ChoiceField(label=_("Category"))
    trouble_category = forms.ChoiceField(
        label=_("Category of further trouble"), required=False,
        help_text=_("Where the ticket of somebody goes who says later that his service is not back."),
    )  # fmt: skip
    note = forms.CharField(
        label=_("Note for staff"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self, *args: Any, categories: Iterable[tuple[str, str]], troubles: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = list(categories)  # type: ignore[attr-defined]
        self.fields["trouble_category"].choices = list(troubles)  # type: ignore[attr-defined]
        self.order_fields(["title", "category"])


class FalseAlarmForm(BossForm):
    """It was none."""

    text = forms.CharField(
        label=_("What its members read"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what those concerned shall read.")},
        help_text=_("For example: There was no outage at your place. Please excuse our message."),
    )  # fmt: skip
    by_mail = forms.BooleanField(label=_("Tell each of them by e-mail"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "false_%s", **kwargs})


class RestoreForm(BossForm):
    """Service is back. On a page with other forms that have a text its boxes need names of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "restore_%s", **kwargs})

    text = forms.CharField(
        label=_("What those concerned read"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what those concerned shall read.")},
    )  # fmt: skip
    answer_hours = forms.IntegerField(
        label=_("Hours to answer"), min_value=1, max_value=MOST_HOURS, initial=HOURS,
        help_text=_("Who has not answered by then is taken to be content: his tickets are closed."),
    )  # fmt: skip
