"""The subject kinds of all rooms above, complete when Django has started."""

from __future__ import annotations

from boss.core.registry import Registry
from ticketing.contracts import SubjectKind

subject_kinds: Registry[SubjectKind] = Registry("ticket subject kinds", SubjectKind)
