"""A clearing house without carriers behind it: for practice realms, demos and tests.

It keeps its requests where the simulated servers keep theirs, as a machine elsewhere would. An account number that
ends in 0 is rejected, so is the PIN 0000; a number that ends in 55 gets no answer before :func:`let_answer`; any other
is confirmed for the fifth business day from today.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from django.utils.translation import gettext as _

from boss.core import clock, scoping
from ipservices.drivers.simulator import store
from ipservices.errors import PortingUnreachable
from ipservices.models import SimulatedObject
from ipservices.porting import PortAnswer

SERVER = "Number clearing house"
_KIND = "porting.request"
_BUSINESS_DAYS = 5


class SandboxPorting:
    def submit(
        self, *, number: str, losing_carrier: str, account_number: str, pin: str, key: str, replaces: str = ""
    ) -> str:
        reference = _reference(key)
        with store.request(scoping.current_realm_id(), SERVER) as server:
            if replaces and replaces != reference:
                SimulatedObject.objects.filter(server=server, full_kind=_KIND, name=replaces).delete()
            if store.find(server, _KIND, reference, lock=True) is None:
                SimulatedObject.objects.create(
                    server=server,
                    full_kind=_KIND,
                    name=reference,
                    attributes={
                        "number": number,
                        "from": losing_carrier,
                        "account_number": account_number,
                        "pin_right": pin != "0000",
                        "answers": not number.endswith("55"),
                        "routed_here": False,
                        "firm_on": _business_day(_BUSINESS_DAYS).isoformat(),
                    },
                )
                store.log(server, key=key, operation="submit", full_kind=_KIND, name=reference, changed=True)
        return reference

    def status(self, *, reference: str) -> PortAnswer:
        with store.request(scoping.current_realm_id(), SERVER) as server:
            row = store.find(server, _KIND, reference)
        if row is None:
            raise PortingUnreachable(reference=reference)
        known = row.attributes
        if not known["answers"]:
            return PortAnswer("pending")
        if known["account_number"].endswith("0"):
            return PortAnswer("rejected", "8A", _("The account number is not known there."))
        if not known["pin_right"]:
            return PortAnswer("rejected", "6D", _("The PIN is wrong."))
        return PortAnswer("confirmed", firm_on=dt.date.fromisoformat(known["firm_on"]))

    def activate(self, *, reference: str, key: str) -> None:
        _route(reference, key, here=True)

    def give_back(self, *, reference: str, key: str) -> None:
        _route(reference, key, here=False)

    def cancel(self, *, reference: str, key: str) -> None:
        names = {reference, _reference(key)} - {""}
        with store.request(scoping.current_realm_id(), SERVER) as server:
            rows = SimulatedObject.objects.select_for_update().filter(server=server, full_kind=_KIND, name__in=names)
            for name in sorted(rows.values_list("name", flat=True)):
                store.log(server, key=key, operation="cancel", full_kind=_KIND, name=name, changed=True)
            rows.delete()


def let_answer(realm_id: int, number: str) -> None:
    """The losing carrier looks at its mail: requests for ``number`` are answered from now on."""
    with store.request(realm_id, SERVER) as server:
        for row in SimulatedObject.objects.filter(server=server, full_kind=_KIND, attributes__number=number):
            row.attributes = {**row.attributes, "answers": True}
            row.save(update_fields=["attributes"])


def _route(reference: str, key: str, *, here: bool) -> None:
    with store.request(scoping.current_realm_id(), SERVER) as server:
        row = store.find(server, _KIND, reference, lock=True)
        if row is None:
            raise PortingUnreachable(reference=reference)
        changed = row.attributes["routed_here"] != here
        row.attributes = {**row.attributes, "routed_here": here}
        row.save(update_fields=["attributes"])
        operation = "activate" if here else "give back"
        store.log(server, key=key, operation=operation, full_kind=_KIND, name=reference, changed=changed)


def _reference(key: str) -> str:
    return f"LSR-{hashlib.sha256(key.encode()).hexdigest()[:10].upper()}"


def _business_day(count: int) -> dt.date:
    day = clock.today()
    while count:
        day += dt.timedelta(days=1)
        count -= day.weekday() < 5
    return day
