"""Asking a server itself, past everything BOSS remembers."""

from __future__ import annotations

from dataclasses import replace

from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices import sealing
from ipservices.contracts import Held, Observed
from ipservices.errors import NotDesigned
from ipservices.models import Binding, Service
from ipservices.services import calls


@transactional
def observe_now(*, actor: Actor, service: Service) -> Observed | None:
    """What the server holds of a service this moment; None when it holds nothing. Changes nothing there.

    Recorded as a driver call. Raises the driver's typed errors, and NotDesigned while no server is chosen.
    """
    require(actor, "ipservices.observe_service", service)

    if service.binding is None:
        raise NotDesigned(service=service.public_id)
    target = calls.target_of(service)
    return calls.look(target, actor=actor, act=lambda driver: driver.observe(target.desired))


@transactional
def held_now(*, actor: Actor, binding: Binding) -> list[Held]:
    """Everything a server holds that carries a service id of BOSS, by name. Raises the driver's typed errors."""
    require(actor, "ipservices.observe_service", binding)

    with calls.open_driver(binding, calls.connection_of(binding)) as driver:
        return sorted(driver.list_all(), key=lambda held: (held.kind, held.name))


@transactional
def try_out(*, actor: Actor, service: Service) -> bool | None:
    """Ask through the service itself, as the subscriber's own program would, whether it works at this moment.

    None where its driver has no way to tell. Recorded as a driver call. Raises the driver's typed errors, and
    NotDesigned while no server is chosen.
    """
    require(actor, "ipservices.observe_service", service)

    if service.binding is None:
        raise NotDesigned(service=service.public_id)
    target = calls.target_of(service)
    desired = replace(target.desired, secrets=sealing.open_secrets(service))
    return calls.look(
        replace(target, desired=desired), actor=actor, act=lambda driver: driver.gets_through(desired),
        operation="try",
    )  # fmt: skip


@transactional
def sign_in_link(*, actor: Actor, service: Service) -> str | None:
    """A short-lived address that signs the owner in at the service (webmail); None where there is no such thing."""
    require(actor, "ipservices.view_service", service)

    if service.binding is None:
        return None
    target = calls.target_of(service)
    with calls.open_driver(target.binding, target.connection) as driver:
        return driver.sign_in_link(target.desired) if driver.capabilities().sign_in else None
