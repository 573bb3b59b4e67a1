"""What a driver is: the one contract between BOSS and every server it provisions.

A driver turns a **desired** state, written in neutral words, into one server's own terms, applies it idempotently,
reads it back and compares. It knows one server product; nothing else in BOSS knows its name. The abstract base
:class:`Driver` holds what is the same for all: establish = look, apply, read back, compare, cut; restore = the same
with the former state. ``tests/drivers`` holds the conformance kit that every driver must pass.

The contract in short:

- every call may be repeated; ``apply`` twice is as good as once, ``remove`` of what is gone succeeds;
- a time-out means *unknown*: the error says so (``outcome_unknown``) and the next attempt reads before it writes;
- the BOSS service id (``service_ref``) is written into the native object, so orphans and usage need no guessing;
- every call ends within the binding's deadline, counted on the wall clock and not per read;
- a driver never opens a database transaction around a call, and holds no state between calls.
"""

from __future__ import annotations

from ipservices.contracts.driver import TRIAL_REF, Driver
from ipservices.contracts.refusals import AuthFailed, Conflict, DriverError, Invalid, Transient, Unreachable, Unverified
from ipservices.contracts.values import (
    Capabilities,
    Connection,
    Deadline,
    Desired,
    Difference,
    Exchange,
    Health,
    Held,
    LeaseEvent,
    LeaseReading,
    Network,
    Observed,
    Restriction,
    Safety,
    UsageReading,
    UsageSample,
    counted_since,
)

__all__ = [
    "TRIAL_REF",
    "AuthFailed",
    "Capabilities",
    "Conflict",
    "Connection",
    "Deadline",
    "Desired",
    "Difference",
    "Driver",
    "DriverError",
    "Exchange",
    "Health",
    "Held",
    "Invalid",
    "LeaseEvent",
    "LeaseReading",
    "Network",
    "Observed",
    "Restriction",
    "Safety",
    "Transient",
    "Unreachable",
    "Unverified",
    "UsageReading",
    "UsageSample",
    "counted_since",
]
