"""Moving the failure sliders of simulated servers."""

from __future__ import annotations

from typing import Any

from boss.core import audit, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ipservices.drivers.simulator import faults, store
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.errors import NotPractice
from ipservices.models import Binding
from ipservices.services import calls


@service
def set_fault(*, actor: Actor, binding: Binding, fault: str, value: Any) -> dict[str, Any]:
    """Move one slider of the simulated server behind ``binding``; the sliders that are then not at rest.

    Raises NotPractice for a real server and InvalidInput for a slider or value that does not exist.
    """
    require(actor, "ipservices.set_fault", binding)

    if binding.driver_key != SimulatorDriver.key:
        raise NotPractice(binding=binding.public_id)
    slider = [one for one in faults.SLIDERS if one.key == fault]
    if not slider:
        raise InvalidInput(fields={"fault": [f"{', '.join(sorted(faults.KEYS))}"]})
    cleaned = schema.validate(slider, {fault: value})

    name = SimulatorDriver(calls.connection_of(binding)).server_name
    with store.request(binding.realm_id, name) as server:
        before = faults.active(server.faults)
        server.faults = faults.active({**server.faults, fault: cleaned.get(fault)})
        server.save(update_fields=["faults"])

    audit.record(actor=actor, action="simulator.fault_set", subject=binding, before=before, after=server.faults)
    return dict(server.faults)


@service
def clear_faults(*, actor: Actor, binding: Binding) -> None:
    """Put every slider back to rest."""
    require(actor, "ipservices.set_fault", binding)
    if binding.driver_key != SimulatorDriver.key:
        raise NotPractice(binding=binding.public_id)

    name = SimulatorDriver(calls.connection_of(binding)).server_name
    with store.request(binding.realm_id, name) as server:
        before, server.faults = server.faults, {}
        server.save(update_fields=["faults"])

    audit.record(actor=actor, action="simulator.faults_cleared", subject=binding, before=before)


def faults_of(*, actor: Actor, binding: Binding) -> dict[str, Any] | None:
    """The sliders of the simulated server behind ``binding`` that are not at rest; None for a real server."""
    require(actor, "ipservices.view_binding", binding)
    if binding.driver_key != SimulatorDriver.key:
        return None
    with store.request(binding.realm_id, SimulatorDriver(calls.connection_of(binding)).server_name) as server:
        return faults.active(server.faults)
