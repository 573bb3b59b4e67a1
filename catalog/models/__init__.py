from __future__ import annotations

from catalog.models.features import Feature, FeatureRelation
from catalog.models.plans import Plan, PlanFeature, PlanOption, PlanPrice, PlanVersion

__all__ = ["Feature", "FeatureRelation", "Plan", "PlanFeature", "PlanOption", "PlanPrice", "PlanVersion"]
