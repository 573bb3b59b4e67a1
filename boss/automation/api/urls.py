from __future__ import annotations

from boss.automation.api import views
from boss.core.api.routes import Route

routes = [
    Route("scripts", views.ScriptViewSet),
    Route("endpoints", views.EndpointViewSet),
]
