from __future__ import annotations

from boss.api.tenancy import views
from boss.core.api.routes import Route

routes = [
    Route("sites", views.SiteViewSet),
    Route("organizations", views.OrganizationViewSet),
    Route("users", views.UserViewSet),
    Route("api-keys", views.ApiKeyViewSet),
]
