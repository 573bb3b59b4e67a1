"""Asking a server itself, past everything BOSS remembers.

Servers may take their time: who asks one here leaves the request's transaction for it (ADR 0144), so none of these
may be called with a transaction open inside the request's own.
"""

from __future__ import annotations

from dataclasses import replace

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.services import service as transactional
from ipservices import sealing
from ipservices.contracts import Held, Observed
from ipservices.errors import NotDesigned
from ipservices.models import Binding, Service
from ipservices.services import calls
from ipservices.services.calls import Target


def observe_now(*, actor: Actor, service: Service) -> Observed | None:
    """What the server holds of a service this moment; None when it holds nothing. Changes nothing there.

    Recorded as a driver call. Raises the driver's typed errors, and NotDesigned while no server is chosen.
    """
    require(actor, "ipservices.observe_service", service)

    with scoping.as_application():
        target = _target(service)
        return calls.look(target, actor=actor, act=lambda driver: driver.observe(target.desired))


def held_now(*, actor: Actor, binding: Binding) -> list[Held]:
    """Everything a server holds that carries a service id of BOSS, by name. Raises the driver's typed errors."""
    require(actor, "ipservices.observe_service", binding)

    with scoping.as_application():
        connection = calls.connection_of(binding)
        with scoping.between_transactions(), calls.open_driver(binding, connection) as driver:
            return sorted(driver.list_all(), key=lambda held: (held.kind, held.name))


def try_out(*, actor: Actor, service: Service) -> bool | None:
    """Ask through the service itself, as the subscriber's own program would, whether it works at this moment.

    None where its driver has no way to tell. Recorded as a driver call. Raises the driver's typed errors, and
    NotDesigned while no server is chosen.
    """
    require(actor, "ipservices.observe_service", service)

    with scoping.as_application():
        target = _target(service)
        desired = replace(target.desired, secrets=sealing.open_secrets(service))
        return calls.look(
            replace(target, desired=desired), actor=actor, act=lambda driver: driver.gets_through(desired),
            operation="try",
        )  # fmt: skip


@transactional
def sign_in_link(*, actor: Actor, service: Service) -> str | None:
    """A short-lived address that signs the owner in at the service (webmail); None where there is no such thing.

    It is made here: no server is asked. Whoever else may see the service, staff among them, gets none: it opens what is
    the owner's alone. Raises :class:`PermissionDenied`.
    """
    require(actor, "ipservices.view_service", service)
    row: Service = Service.objects.select_related("binding", "account").get(pk=service.pk)
    if actor.kind != "system" and row.account.user_id != actor.user_id:
        raise PermissionDenied

    if row.binding is None:
        return None
    target = calls.target_of(row)
    with calls.open_driver(target.binding, target.connection) as driver:
        return driver.sign_in_link(target.desired) if driver.capabilities().sign_in else None


def _target(service: Service) -> Target:
    if service.binding is None:
        raise NotDesigned(service=service.public_id)
    return calls.target_of(service)
