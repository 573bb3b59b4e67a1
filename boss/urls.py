"""Every address of BOSS, put together from the surfaces."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("boss.api.urls")),
    path("console/", include("boss.console.urls")),
    path("", include("boss.look.urls")),
    path("", include("boss.portals.urls")),
]

handler400 = "boss.look.views.bad_request"
handler403 = "boss.look.views.permission_denied"
handler404 = "boss.look.views.not_found"
handler500 = "boss.look.views.server_error"
