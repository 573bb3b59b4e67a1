from __future__ import annotations

from boss.core.api.routes import Route
from catalog.api import views

routes = [
    Route("features", views.FeatureViewSet),
    Route("plans", views.PlanViewSet),
    Route("plan-versions", views.PlanVersionViewSet),
]
