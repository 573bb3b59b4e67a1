from __future__ import annotations

from boss.api.records import views
from boss.core.api.routes import Route

routes = [
    Route("audit-entries", views.AuditEntryViewSet),
    Route("audit-exports", views.AuditExportViewSet),
]
