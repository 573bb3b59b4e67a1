from __future__ import annotations

from boss.core.api.routes import Route
from ticketing.api import policies, views

routes = [
    Route("tickets", views.TicketViewSet),
    Route("categories", views.CategoryViewSet),
    Route("policies", policies.PolicyViewSet),
    Route("pools", views.TalentPoolViewSet),
]
