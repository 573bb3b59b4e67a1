from __future__ import annotations

from boss.core.api.routes import Route
from ticketing.api import policies, reports, time, views

routes = [
    Route("tickets", views.TicketViewSet),
    Route("categories", views.CategoryViewSet),
    Route("time-entries", time.TimeEntryViewSet),
    Route("policies", policies.PolicyViewSet),
    Route("reports", reports.ReportViewSet),
    Route("saved-reports", reports.SavedReportViewSet),
    Route("pools", views.TalentPoolViewSet),
]
