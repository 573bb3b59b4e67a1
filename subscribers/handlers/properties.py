"""Buildings: entering their units as addresses, and opening them for orders."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Site
from boss.tenancy.services import sites
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext

MOST_UNITS = 2000


def register_units(context: TaskContext) -> Outcome:
    """Enter every unit of a building as an address of its owner. Not to be ordered at before it is opened."""
    given = context.inputs
    owner: Organization | None = Organization.objects.filter(public_id=given["organization"]).first()
    if owner is None:
        return Fail(_("There is no such owner."))
    units = [unit.strip() for unit in str(given["units"]).replace("\n", ",").split(",") if unit.strip()]
    if not units or len(units) > MOST_UNITS:
        return Fail(_("A building has between 1 and %(most)s units.") % {"most": MOST_UNITS})
    known = set(tenancy.list_units(given["street"], given["city"]).values_list("unit", flat=True))
    made = [
        sites.create(
            actor=context.actor,
            street=given["street"],
            unit=unit,
            city=given["city"],
            postal_code=str(given.get("postal_code") or ""),
            organization=owner,
            technology=str(given.get("technology") or "mdu"),
            access_node=str(given.get("access_node") or ""),
            serviceable=False,
        )
        for unit in dict.fromkeys(units)
        if unit not in known
    ]
    ids = ",".join(str(site.pk) for site in made)
    return Done({"units": len(made), "made": ids}, note=_("%(count)s units entered.") % {"count": len(made)})


def forget_units(context: UndoContext) -> Outcome:
    """Take out the addresses this task entered. One at which something hangs by now stays, closed for orders."""
    ids = [int(one) for one in str(context.outputs.get("made") or "").split(",") if one]
    gone = sum(sites.remove_unused(actor=context.actor, site=site) for site in Site.objects.filter(pk__in=ids))
    return Done(note=_("%(count)s units taken out.") % {"count": gone})


def open_units(context: TaskContext) -> Outcome:
    """Let orders be placed at the units of a building."""
    changed = _set_serviceable(context, context.inputs["street"], context.inputs["city"], True)
    ids = ",".join(str(site.pk) for site in changed)
    return Done({"units": len(changed), "opened": ids}, note=_("%(count)s units on sale.") % {"count": len(changed)})


def close_units(context: UndoContext) -> Outcome:
    ids = [int(one) for one in str(context.outputs.get("opened") or "").split(",") if one]
    for site in Site.objects.filter(pk__in=ids, serviceable=True):
        sites.set_serviceable(actor=context.actor, site=site, serviceable=False)
    return Done(note=_("%(count)s units not on sale any more.") % {"count": len(ids)})


def _set_serviceable(context: TaskContext, street: str, city: str, serviceable: bool) -> list[Site]:
    found = tenancy.list_units(street, city).filter(serviceable=not serviceable)
    return [sites.set_serviceable(actor=context.actor, site=site, serviceable=serviceable) for site in found]


_STREET = Characteristic("street", "text", "Street and number", required=True, max_length=160)
_CITY = Characteristic("city", "text", "City", required=True, max_length=80)
_UNITS = Characteristic("units", "integer", "Units")

HANDLERS: tuple[Any, ...] = (
    TaskHandler(
        key="subscribers.register_units",
        title=gettext_lazy("Enter the units of a building"),
        run=register_units,
        undo=forget_units,
        inputs=(
            Characteristic("organization", "text", "Owner (public id)", required=True, max_length=12),
            _STREET,
            _CITY,
            Characteristic("postal_code", "text", "Postal code", max_length=16),
            Characteristic("units", "long_text", "Units", required=True, help="Separated by commas."),
            Characteristic("technology", "text", "Technology", default="mdu", max_length=20),
            Characteristic("access_node", "text", "Access node", max_length=60),
        ),
        outputs=(_UNITS, Characteristic("made", "long_text", "Rows made")),
        local=True,
    ),
    TaskHandler(
        key="subscribers.open_units",
        title=gettext_lazy("Open a building for orders"),
        run=open_units,
        undo=close_units,
        inputs=(_STREET, _CITY),
        outputs=(_UNITS, Characteristic("opened", "long_text", "Rows opened")),
        local=True,
    ),
)
