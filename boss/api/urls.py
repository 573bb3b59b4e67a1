"""/api/: every room's routes below /api/v1/<room>/, the document, the reference."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.routers import SimpleRouter

from boss.api import overview, reference, views
from boss.api.privacy.urls import routes as privacy
from boss.api.records.urls import routes as records
from boss.api.tenancy.urls import routes as tenancy
from boss.automation.api.urls import routes as automation
from boss.core.api.routes import Route
from boss.notify.api.urls import routes as notify
from catalog.api.urls import routes as catalog
from ipservices.api.urls import routes as ipservices
from subscribers.api.urls import routes as subscribers
from ticketing.api.urls import routes as ticketing
from workflow.api.urls import routes as workflow

app_name = "api"

ROOMS: dict[str, list[Route]] = {
    "core": records,
    "tenancy": tenancy,
    "notify": notify,
    "ticketing": ticketing,
    "catalog": catalog,
    "subscribers": subscribers,
    "ipservices": ipservices,
    "workflow": workflow,
    "automation": automation,
    "privacy": privacy,
}


def _addresses(room: str, routes: list[Route]) -> URLResolver:
    router = SimpleRouter()
    for route in routes:
        router.register(route.prefix, route.viewset, basename=f"{room}-{route.prefix}")
    return path(f"{room}/", include(router.urls))


v1: list[URLPattern | URLResolver] = [
    path("schema/", reference.SchemaView.as_view(), name="schema"),
    path("me/", views.MeView.as_view(), name="me"),
    path("me/sessions/", views.OwnSessions.as_view(), name="own_sessions"),
    re_path(r"^me/sessions/(?P<public_id>[0-9a-z]{12})/$", views.OwnSession.as_view(), name="own_session"),
    path("me/factors/", views.OwnFactors.as_view(), name="own_factors"),
    path("search/", overview.Search.as_view(), name="search"),
    re_path(r"^overview/accounts/(?P<public_id>[0-9a-z]{12})/$", overview.AccountOverview.as_view(), name="overview"),
    *(_addresses(room, routes) for room, routes in ROOMS.items()),
]

urlpatterns = [
    path("v1/", include(v1)),
    path("docs/", reference.reference, name="reference"),
    re_path(r"^[\s\S]*$", views.NothingHere.as_view(), name="nothing"),
]
