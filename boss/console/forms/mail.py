"""Mailboxes of the desk."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.mail.language import LONGEST
from ticketing.models import Category, Mailbox


class MailboxForm(BossForm):
    """One address, and what becomes of its mail."""

    address = forms.CharField(
        label=_("Address"), max_length=200, help_text=_("Mail to it becomes tickets."),
        error_messages={"required": _("Enter an e-mail address.")},
    )  # fmt: skip
    category = forms.ChoiceField(label=_("Category of its tickets"))
    accepts_automatic = forms.BooleanField(
        label=_("Takes mail of programs"), required=False,
        help_text=_("For alarms of monitoring: mail that no person wrote opens tickets, too."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, categories: list[Category], mailbox: Mailbox | None = None, **kwargs: Any) -> None:
        self.known = {category.key: category for category in categories}
        if mailbox is not None:
            # An archived category stays choosable for the box that has it, so that nothing is lost by looking.
            self.known.setdefault(mailbox.category.key, mailbox.category)
            names = ("accepts_automatic", "is_active")
            kwargs["initial"] = {name: getattr(mailbox, name) for name in names} | {"category": mailbox.category.key}
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [(key, each.name) for key, each in self.known.items()]  # type: ignore[attr-defined]
        if mailbox is not None:
            del self.fields["address"]

    @property
    def values(self) -> dict[str, Any]:
        """As the service takes them. Call after validation."""
        return {**self.cleaned_data, "category": self.known[self.cleaned_data["category"]]}


class MailTextForm(BossForm):
    """The words of one kind of mail."""

    body = forms.CharField(
        label=_("Text"), required=False, strip=False, max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"}),
        help_text=_("Left empty, the text that BOSS comes with is sent."),
    )  # fmt: skip
    note = forms.CharField(label=_("What changed"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
