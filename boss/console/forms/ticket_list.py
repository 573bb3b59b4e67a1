"""What is typed about many tickets at once, and about saved views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look import once
from boss.look.forms import BossForm
from boss.tenancy.models import User
from ticketing.choices import BulkVerb, Priority, SharedWith
from ticketing.models import TalentPool
from ticketing.services.bulk import ASKS


class TicketBulkForm(BossForm):
    """What an action on many tickets wants to know. Whether it can be done is each ticket's to say."""

    user = forms.ChoiceField(label=_("Who gets them"))
    pool = forms.ChoiceField(label=_("Talent pool"))
    priority = forms.ChoiceField(label=_("Priority"), choices=Priority.choices, initial=Priority.NORMAL)
    status = forms.ChoiceField(label=_("Status"))
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)
    note = forms.CharField(
        label=_("Internal note"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    once = forms.CharField(required=False, max_length=once.LONGEST, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        verb: str,
        people: Iterable[User] = (),
        pools: Iterable[TalentPool] = (),
        statuses: Iterable[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        wanted = {"once", ASKS.get(verb, "")}
        wanted |= {"reason"} if verb == BulkVerb.STATUS else set()
        wanted |= {"note"} if verb == BulkVerb.RESOLVE else set()
        for name in set(self.fields) - wanted:
            del self.fields[name]
        choices = {
            "user": [(user.public_id, user.full_name) for user in people],
            "pool": [(pool.key, pool.name) for pool in pools],
            "status": list(statuses),
        }
        for name, offered in choices.items():
            if name in self.fields:
                self.fields[name].choices = offered  # type: ignore[attr-defined]
        if verb == BulkVerb.NOTE:
            self.fields["note"].required = True
            self.fields["note"].error_messages["required"] = _("Please write something.")


class ViewForm(BossForm):
    """A view's name, and who else has it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    shared_with = forms.ChoiceField(label=_("Who has it"), choices=SharedWith.choices, widget=forms.RadioSelect)
    pool = forms.ChoiceField(label=_("Talent pool"), required=False)

    def __init__(self, *args: Any, pools: Iterable[TalentPool], may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = list(pools)
        self.fields["pool"].choices = [("", "—"), *((pool.key, pool.name) for pool in offered)]  # type: ignore[attr-defined]
        shared = [
            SharedWith.NOBODY,
            *([SharedWith.POOL] if offered else []),
            *([SharedWith.STAFF] if may_share else []),
        ]
        self.fields["shared_with"].choices = [(each.value, each.label) for each in shared]  # type: ignore[attr-defined]
        if not offered:
            del self.fields["pool"]
