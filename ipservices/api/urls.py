from __future__ import annotations

from boss.core.api.routes import Route
from ipservices.api import comparing, migrating, outages, views

routes = [
    Route("services", views.ServiceViewSet),
    Route("driver-calls", views.DriverCallViewSet),
    Route("bindings", views.BindingViewSet),
    Route("comparisons", comparing.ComparisonViewSet),
    Route("findings", comparing.FindingViewSet),
    Route("migrations", migrating.MigrationViewSet),
    Route("outages", outages.OutageViewSet),
    Route("addresses", views.AddressViewSet),
    Route("prefixes", views.PrefixViewSet),
    Route("numbers", views.NumberViewSet),
    Route("port-requests", views.PortRequestViewSet),
]
