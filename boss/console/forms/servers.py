"""What administrators write about the servers services live on."""

from __future__ import annotations

import re
import shlex
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from ipservices import selectors
from ipservices.choices import Placement
from ipservices.families import families
from ipservices.models import Binding
from ipservices.registry import DriverKind, drivers

_RULES = ("kinds", "features", "technologies")


def driver_choices() -> list[tuple[str, str]]:
    """Every driver once for each family it provides, as "driver family"."""
    found: list[tuple[str, str]] = []
    for key, kind in drivers:
        for family in sorted(kind.capabilities.families):
            known = families.find(family)
            found.append((f"{key} {family}", f"{known.title if known else family}: {kind.driver.title}"))
    return sorted(found, key=lambda choice: choice[1])


class DriverForm(BossForm):
    """Which kind of server is to be set up."""

    driver = forms.ChoiceField(label=_("Kind of server"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["driver"].choices = driver_choices()  # type: ignore[attr-defined]


class ServerForm(BossForm):
    """A server of one driver. Secrets are never shown; all left empty, they stay as they are."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("As it stands in sentences and tickets."))
    placement = forms.ChoiceField(label=_("Where it is"), choices=Placement.choices)

    def __init__(self, *args: Any, kind: DriverKind, binding: Binding | None = None, **kwargs: Any) -> None:
        self.kind = kind
        initial = kwargs.pop("initial", None) or ({} if binding is None else _initial(binding))
        super().__init__(*args, initial=initial, **kwargs)
        if binding is not None:
            del self.fields["name"]
        settings = {} if binding is None else dict(binding.settings)
        for key, field in schema.form_fields(kind.driver.settings, settings).items():
            self.fields[f"settings_{key}"] = field
        for key, field in schema.form_fields(kind.driver.secrets).items():
            field.required = field.required and binding is None
            if binding is not None:
                field.help_text = _("Left empty, it stays as it is.")
            self.fields[f"secrets_{key}"] = field
        self.fields["nodes"] = forms.CharField(
            label=_("Its machines, if there are several"), required=False, max_length=4000,
            initial=initial.get("nodes", ""),
            widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
            help_text=_("All of them, each on a line of its own, in the order to try them: a name, a colon, what is "
                        "set there instead; for instance “second: dns_host=192.0.2.54”."),
        )  # fmt: skip
        for rule, label, help_text in (
            ("kinds", _("Only for these kinds"), _("For instance dns.host. Empty: for all.")),
            ("features", _("Only for these features"), _("For instance mail.mailbox. Empty: for all.")),
            ("technologies", _("Only at sites with these technologies"), _("For instance fiber. Empty: everywhere.")),
        ):
            self.fields[f"rule_{rule}"] = forms.CharField(
                label=label, required=False, max_length=400, help_text=help_text, initial=initial.get(f"rule_{rule}")
            )
        self.fields["position"] = forms.IntegerField(
            label=_("Order"), min_value=0, max_value=32000, initial=initial.get("position", 100),
            help_text=_("Of several that fit, new services go to the one with the lowest number."),
        )  # fmt: skip
        self.fields["deadline_seconds"] = forms.FloatField(
            label=_("Seconds a call may take"), min_value=0.1, max_value=120,
            initial=initial.get("deadline_seconds", 10),
        )  # fmt: skip
        if binding is not None:
            self.fields["enabled"] = forms.BooleanField(
                label=_("In use"), required=False, initial=initial.get("enabled", True),
                help_text=_("Switched off, it takes no new services. Those it has stay."),
            )  # fmt: skip

    def clean_nodes(self) -> list[dict[str, Any]]:
        """Lines to {name, settings}; numbers where the driver wants them."""
        types = {one.key: one.type for one in self.kind.driver.settings}
        found: list[dict[str, Any]] = []
        for line in self.cleaned_data["nodes"].splitlines():
            if not line.strip():
                continue
            name, colon, rest = line.partition(":")
            try:
                pairs = [word.partition("=") for word in shlex.split(rest)]
            except ValueError:
                pairs = []
            if not colon or not pairs or any(not equals for _key, equals, _value in pairs):
                raise forms.ValidationError(_now("Not understood: %(line)s") % {"line": line.strip()[:80]})
            values: dict[str, Any] = {key: value for key, _equals, value in pairs}
            for key, value in values.items():
                if types.get(key) == "integer" and value.isdigit():
                    values[key] = int(value)
            found.append({"name": name.strip(), "settings": values})
        return found

    def given(self) -> dict[str, Any]:
        """What the services take. No ``secrets`` where all were left empty."""
        cleaned = self.cleaned_data
        parts: dict[str, dict[str, Any]] = {"settings": {}, "secrets": {}}
        for name, value in cleaned.items():
            part, _underscore, key = name.partition("_")
            if part in parts and value not in (None, ""):
                parts[part][key] = value
        rules = {rule: re.split(r"[\s,;]+", cleaned[f"rule_{rule}"].strip()) for rule in _RULES
                 if (cleaned.get(f"rule_{rule}") or "").strip()}  # fmt: skip
        found = {"settings": parts["settings"], "rules": rules} | {
            name: cleaned[name] for name in ("placement", "nodes", "position", "deadline_seconds")
        }
        if parts["secrets"]:
            found["secrets"] = parts["secrets"]
        return found | {name: cleaned[name] for name in ("name", "enabled") if name in self.fields}

    def add_problem(self, problem: Problem) -> None:
        fields: dict[str, list[str]] = {}
        for name, messages in problem.fields.items():
            part, _dot, rest = name.partition(".")
            place = "nodes" if part == "nodes" else f"{part}_{rest}" if rest else part
            fields.setdefault(place if place in self.fields else "nodes", []).extend(messages)
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)


def _initial(binding: Binding) -> dict[str, Any]:
    lines = [
        f"{node.name}: " + " ".join(f"{key}={shlex.quote(str(value))}" for key, value in node.settings.items())
        for node in selectors.list_nodes(binding)
    ]
    return {
        "placement": binding.placement, "position": binding.position, "deadline_seconds": binding.deadline_seconds,
        "enabled": binding.enabled, "nodes": "\n".join(lines),
        **{f"rule_{rule}": ", ".join(binding.rules.get(rule, [])) for rule in _RULES},
    }  # fmt: skip
