"""What is typed on the pages of people, roles and keys. What may be done with it is decided by the services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.look.forms import BossForm
from boss.tenancy import selectors, vocabulary
from boss.tenancy.models import Organization, Role, Site, User
from boss.tenancy.reach import reaches_all

MOST_ORGANIZATIONS = 500


def _organizations(actor: Actor) -> list[tuple[str, str]]:
    found = selectors.list_organizations(actor)[:MOST_ORGANIZATIONS]
    return [("", gettext_lazy("Choose…")), *((each.public_id, each.name) for each in found)]  # type: ignore[list-item]


def givable(actor: Actor, audiences: Iterable[str]) -> list[tuple[str, str]]:
    """The roles for these people that the actor holds himself in whole, for a choice."""
    wanted = set(audiences)
    roles = [role for role in selectors.list_roles(actor) if role.is_for in wanted]
    return [(role.key, role.name) for role in roles if reaches_all(actor, role.effective_permissions())]


class InviteForm(BossForm):
    """Somebody new: staff or a contact of an organization. Subscribers come with their order."""

    full_name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=24, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Who is it?"),
        choices=[
            ("staff", gettext_lazy("One of our staff")),
            ("contact", gettext_lazy("A contact of an organization")),
        ],
        widget=forms.RadioSelect,
        initial="staff",
    )
    organization = forms.ChoiceField(
        label=gettext_lazy("Organization"), required=False, help_text=gettext_lazy("Of a contact.")
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        help_text=gettext_lazy("Staff hold it on the whole realm, a contact on the organization."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.fields["organization"].choices = _organizations(actor)  # type: ignore[attr-defined]
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            ("", gettext_lazy("Choose…")),
            (gettext_lazy("For staff"), givable(actor, ["staff"])),
            (gettext_lazy("For organizations"), givable(actor, ["organization"])),
        ]

    def given(self) -> dict[str, Any]:
        """Arguments for the service. Call after validation."""
        cleaned = dict(self.cleaned_data)
        public_id, contact = cleaned.pop("organization"), cleaned["kind"] == User.Kind.CONTACT
        organization = selectors.find_organization(self.actor, public_id) if contact and public_id else None
        cleaned["role_key"] = cleaned.pop("role")
        return {**cleaned, "organization": organization}


class PersonForm(BossForm):
    full_name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    email = forms.EmailField(
        label=gettext_lazy("E-mail"), max_length=254, help_text=gettext_lazy("Another address ends the sessions.")
    )
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=24, required=False)


class GrantForm(BossForm):
    """A role and where it holds."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    where = forms.ChoiceField(label=gettext_lazy("Where"), widget=forms.RadioSelect)
    organization = forms.ChoiceField(label=gettext_lazy("Organization"), required=False)
    site = forms.CharField(
        label=gettext_lazy("Site"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("The beginning of its address, for instance 14 Elm Street."),
    )

    def __init__(self, *args: Any, actor: Actor, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        places = {
            "realm": gettext_lazy("The whole realm"),
            "organization": gettext_lazy("One organization"),
            "site": gettext_lazy("One site"),
            "own": gettext_lazy("The person's own rows"),
        }
        fitting = {
            "staff": ["realm", "organization", "site"],
            "contact": ["organization", "site"],
            "subscriber": ["own"],
        }
        audiences = {
            "staff": ["staff", "organization"], "contact": ["organization"], "subscriber": ["subscriber"],
        }  # fmt: skip
        self.fields["where"].choices = [(each, places[each]) for each in fitting[user.kind]]  # type: ignore[attr-defined]
        self.fields["where"].initial = fitting[user.kind][0]
        roles = givable(actor, audiences[user.kind])
        self.fields["role"].choices = [("", gettext_lazy("Choose…")), *roles]  # type: ignore[attr-defined]
        self.fields["organization"].choices = _organizations(actor)  # type: ignore[attr-defined]
        if user.organization is not None:
            self.fields["organization"].initial = user.organization.public_id
        if user.kind == User.Kind.SUBSCRIBER:
            del self.fields["organization"], self.fields["site"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        where = cleaned.get("where")
        if where == "organization" and not cleaned.get("organization"):
            self.add_error("organization", _("Choose the organization."))
        if where == "site":
            cleaned["found"] = self._site(cleaned.get("site", ""))
        return cleaned

    def _site(self, text: str) -> Site | None:
        found = selectors.suggest_sites(self.actor, text, limit=6)
        if len(found) == 1:
            return found[0]
        if not found:
            self.add_error("site", _("There is no site at an address that begins so."))
        else:
            self.add_error("site", _("Which one? %s") % " · ".join(site.label for site in found))
        return None

    def given(self) -> dict[str, Any]:
        """Arguments for the service. Call after validation."""
        where = self.cleaned_data["where"]
        organization: Organization | None = None
        if where == "organization":
            organization = selectors.find_organization(self.actor, self.cleaned_data["organization"])
        return {
            "role_key": self.cleaned_data["role"],
            "organization": organization,
            "site": self.cleaned_data.get("found"),
            "own": where == "own",
        }


class ResetFactorsForm(BossForm):
    confirmed = forms.BooleanField(
        label=gettext_lazy("I have made sure that it is really this person who asks, in person or by calling back."),
        error_messages={"required": gettext_lazy("Please make sure first, then tick this.")},
    )


class ActAsForm(BossForm):
    reason = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=200,
        help_text=gettext_lazy("For instance the number of the ticket. The subscriber can read it."),
    )


class PermissionsField(forms.MultipleChoiceField):
    """Permissions in words, grouped by component."""

    widget = forms.CheckboxSelectMultiple


class RoleForm(BossForm):
    """A role of the realm's own."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    description = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    audience = forms.ChoiceField(
        label=gettext_lazy("Meant for"), choices=Role.Audience.choices, widget=forms.RadioSelect, initial="staff"
    )
    permissions = PermissionsField(label=gettext_lazy("Permissions"))

    def __init__(self, *args: Any, offered: Iterable[str], fixed_audience: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = vocabulary.grouped(offered)
        self.fields["permissions"].choices = [pair for group in self.groups for pair in group.permissions]  # type: ignore[attr-defined]
        if fixed_audience:
            del self.fields["audience"]

    @property
    def chosen(self) -> set[str]:
        """What is ticked, for the page."""
        return set(self["permissions"].value() or ())


class KeyForm(BossForm):
    """A new API key."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("Which program it is for.")
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial="api_client")
    days = forms.IntegerField(
        label=gettext_lazy("Days until it expires"), min_value=1, max_value=365, initial=365,
        help_text=gettext_lazy("A year at most."),
    )  # fmt: skip
    networks = forms.CharField(
        label=gettext_lazy("Networks it may be used from"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One a line, like 203.0.113.0/24. Empty: from anywhere."),
    )
    scopes = PermissionsField(label=gettext_lazy("Only these permissions"), required=False)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [role for role in selectors.list_roles(actor) if role.is_for in ("program", "staff")]
        fitting = [role for role in roles if reaches_all(actor, role.effective_permissions())]
        self.fields["role"].choices = [(role.key, role.name) for role in fitting]  # type: ignore[attr-defined]
        self.groups = vocabulary.grouped(each for role in fitting for each in role.effective_permissions())
        self.fields["scopes"].choices = [pair for group in self.groups for pair in group.permissions]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> set[str]:
        return set(self["scopes"].value() or ())

    def given(self) -> dict[str, Any]:
        """Arguments for the service. Call after validation."""
        return {
            "name": self.cleaned_data["name"],
            "role_key": self.cleaned_data["role"],
            "days": self.cleaned_data["days"],
            "scopes": self.cleaned_data["scopes"] or None,
            "source_networks": self.cleaned_data["networks"].split(),
        }
