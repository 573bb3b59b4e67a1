from __future__ import annotations

from boss.core.api.routes import Route
from workflow.api import views

routes = [
    Route("definitions", views.DefinitionViewSet),
    Route("limits", views.LimitViewSet),
    Route("drafts", views.DraftViewSet),
    Route("runs", views.RunViewSet),
    Route("bulks", views.BulkViewSet),
    Route("tasks", views.TaskViewSet),
]
