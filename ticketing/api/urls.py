from __future__ import annotations

from boss.core.api.routes import Route
from ticketing.api import lists, policies, time, views

routes = [
    Route("tickets", views.TicketViewSet),
    Route("views", lists.SavedViewViewSet),
    Route("bulks", lists.TicketBulkViewSet),
    Route("categories", views.CategoryViewSet),
    Route("time-entries", time.TimeEntryViewSet),
    Route("policies", policies.PolicyViewSet),
    Route("pools", views.TalentPoolViewSet),
]
