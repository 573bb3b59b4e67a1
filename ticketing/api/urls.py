from __future__ import annotations

from boss.core.api.routes import Route
from ticketing.api import desk, policies, time, views

routes = [
    Route("tickets", views.TicketViewSet),
    Route("categories", views.CategoryViewSet),
    Route("time-entries", time.TimeEntryViewSet),
    Route("policies", policies.PolicyViewSet),
    Route("pools", views.TalentPoolViewSet),
    Route("snippets", desk.SnippetViewSet),
    Route("macros", desk.MacroViewSet),
    Route("text-drafts", desk.TextDraftViewSet),
    Route("checklist-items", desk.ChecklistItemViewSet),
]
