from __future__ import annotations

from boss.api.tenancy import people, views
from boss.core.api.routes import Route

routes = [
    Route("sites", views.SiteViewSet),
    Route("organizations", views.OrganizationViewSet),
    Route("users", people.UserViewSet),
    Route("roles", people.RoleViewSet),
    Route("api-keys", views.ApiKeyViewSet),
]
