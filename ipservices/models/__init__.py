from __future__ import annotations

from ipservices.models.bindings import Binding, ContainerLock, HealthSample
from ipservices.models.comparing import Comparison, Finding
from ipservices.models.inventories import (
    AddressAssignment,
    FreeRange,
    LeaseHistory,
    PhoneNumber,
    PortHold,
    Prefix,
)
from ipservices.models.migrating import Migration, MigrationItem
from ipservices.models.porting import PortRequest
from ipservices.models.services import DriverCall, FormerState, Service, UsageRecord
from ipservices.models.simulated import SimulatedEffect, SimulatedObject, SimulatedServer

__all__ = [
    "AddressAssignment",
    "Binding",
    "Comparison",
    "ContainerLock",
    "DriverCall",
    "Finding",
    "FormerState",
    "FreeRange",
    "HealthSample",
    "LeaseHistory",
    "Migration",
    "MigrationItem",
    "PhoneNumber",
    "PortHold",
    "PortRequest",
    "Prefix",
    "Service",
    "SimulatedEffect",
    "SimulatedObject",
    "SimulatedServer",
    "UsageRecord",
]
