"""What a subscriber types in self-help. What may be done with it is decided by the rooms below."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.core.schema import Characteristic
from boss.look.forms import BossForm, ManyFilesField, ManyFilesInput


class SignInForm(BossForm):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        error_messages={
            "required": _("Please type your e-mail address."),
            "invalid": _("This is not an e-mail address. It should look like name@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "username", "inputmode": "email", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        error_messages={"required": _("Please type your password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(BossForm):
    """The second step: six digits of the app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        help_text=_("Six digits from your app, or one of your recovery codes."),
        max_length=40,
        error_messages={"required": _("Please type the code.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "code"}
        ),
    )


class AgainForm(BossForm):
    """The password once more."""

    password = SignInForm.base_fields["password"]


class LinkForm(BossForm):
    """Ask for a link by which a new password can be set."""

    email = SignInForm.base_fields["email"]


class PasswordForm(BossForm):
    password = forms.CharField(
        label=_("New password"),
        help_text=_("At least 12 characters. A few words in a row are easy to remember and hard to guess."),
        max_length=1000,
        strip=False,
        error_messages={"required": _("Please choose a password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )


class ReplyForm(BossForm):
    body = forms.CharField(
        label=_("Your message"),
        max_length=10_000,
        error_messages={
            "required": _("Please write your message first."),
            "max_length": _("Please keep it under %(limit_value)d characters (yours has %(show_value)d)."),
        },
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    files = ManyFilesField(label=_("Pictures or other files"))  # type: ignore[assignment]  # the room's word


class UploadForm(BossForm):
    """Files by the link in a mail, and perhaps some words."""

    files = ManyFilesField(label=_("Your files"), help_text=_("Several at a time, if you like."))  # type: ignore[assignment]
    body = forms.CharField(
        label=_("Something to say about them"), max_length=10_000, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class TicketForm(BossForm):
    """A new request. The topics are the categories that subscribers may use."""

    category = forms.ChoiceField(
        label=_("What is it about?"),
        error_messages={
            "required": _("Please choose a topic."),
            "invalid_choice": _("Please choose one of the topics."),
        },
    )
    title = forms.CharField(
        label=_("In a few words"),
        help_text=_("For example: No internet since this morning"),
        max_length=200,
        error_messages={"required": _("Please say in a few words what it is about.")},
    )
    body = forms.CharField(
        label=_("Tell us more"),
        help_text=_("What do you see, since when, and what have you tried?"),
        max_length=10_000,
        error_messages={"required": _("Please tell us a little more, so that we can help.")},
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    # Kept when an answer brings other questions: the browser alone has what was chosen.
    files = ManyFilesField(  # type: ignore[assignment]  # the room's word
        label=_("Pictures or other files"), widget=ManyFilesInput(attrs={"hx-preserve": "true"})
    )

    def __init__(
        self,
        *args: Any,
        topics: list[tuple[str, str]],
        questions: dict[str, forms.Field],
        headings: Mapping[str, Characteristic] | None = None,
        shares_with: str = "",
        deciding: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        self.questions = questions
        self.headings = headings or {}
        self.deciding = deciding  # their answers decide what else is asked
        super().__init__(*args, **kwargs)
        if shares_with:
            self.fields["share"] = forms.BooleanField(
                label=_("%(name)s may read and answer it too") % {"name": shares_with},
                help_text=_("They look after the place you live at. You can change your mind at any time."),
                required=False,
            )
        self.fields["category"].choices = [("", _("Choose a topic…")), *topics]  # type: ignore[attr-defined]
        for name, field in questions.items():
            # The desk names its refusals so: they land beside the field.
            self.fields[f"data.{name}"] = field
            field.error_messages["required"] = _("Please fill this in.")

    @property
    def question_fields(self) -> list[tuple[Characteristic | None, forms.BoundField, bool]]:
        """The topic's own questions, for the page, each with the heading above it and whether its answer decides what
        else is asked."""
        return [(self.headings.get(name), self[f"data.{name}"], name in self.deciding) for name in self.questions]

    def answers(self) -> dict[str, Any]:
        """What was answered to the topic's questions. Call after validation."""
        given = {name: self.cleaned_data.get(f"data.{name}") for name in self.questions}
        return {name: value for name, value in given.items() if value not in (None, "", [])}
