"""Facts this room publishes."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("ipservices.service_activated")
@dataclass(frozen=True)
class ServiceActivated:
    service_id: int


@fact("ipservices.service_suspended")
@dataclass(frozen=True)
class ServiceSuspended:
    service_id: int


@fact("ipservices.service_resumed")
@dataclass(frozen=True)
class ServiceResumed:
    service_id: int


@fact("ipservices.service_removed")
@dataclass(frozen=True)
class ServiceRemoved:
    service_id: int


@fact("ipservices.drift_found")
@dataclass(frozen=True)
class DriftFound:
    service_id: int


@fact("ipservices.binding_health_changed")
@dataclass(frozen=True)
class BindingHealthChanged:
    binding_id: int
    healthy: bool
