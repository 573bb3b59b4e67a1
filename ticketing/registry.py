"""What the rooms above offer to tickets, complete when Django has started."""

from __future__ import annotations

from boss.core.registry import Registry
from ticketing.contracts import ConditionKind, MacroStepKind, ReferenceKind, SubjectKind

subject_kinds: Registry[SubjectKind] = Registry("ticket subject kinds", SubjectKind)
reference_kinds: Registry[ReferenceKind] = Registry("ticket reference kinds", ReferenceKind)
macro_steps: Registry[MacroStepKind] = Registry("macro steps", MacroStepKind)
condition_kinds: Registry[ConditionKind] = Registry("conditions of promised times", ConditionKind)
