from __future__ import annotations

from ipservices.models.bindings import Binding, BindingNode, ConformanceReport, ContainerLock, HealthSample
from ipservices.models.comparing import Comparison, Finding
from ipservices.models.inventories import (
    AddressAssignment,
    FreeRange,
    LeaseHistory,
    PhoneNumber,
    PortHold,
    Prefix,
)
from ipservices.models.leases import ObservedLease
from ipservices.models.migrating import Migration, MigrationItem
from ipservices.models.outages import Outage, OutageMember, OutageNotice, OutageScope, OutageTicket, OutageUpdate
from ipservices.models.porting import PortRequest
from ipservices.models.services import DriverCall, FormerState, Service, UsageRecord
from ipservices.models.simulated import SimulatedEffect, SimulatedObject, SimulatedServer

__all__ = [
    "AddressAssignment",
    "Binding",
    "BindingNode",
    "Comparison",
    "ConformanceReport",
    "ContainerLock",
    "DriverCall",
    "Finding",
    "FormerState",
    "FreeRange",
    "HealthSample",
    "LeaseHistory",
    "Migration",
    "MigrationItem",
    "ObservedLease",
    "Outage",
    "OutageMember",
    "OutageNotice",
    "OutageScope",
    "OutageTicket",
    "OutageUpdate",
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
