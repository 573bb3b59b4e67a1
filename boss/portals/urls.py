"""The portals' addresses, for the roof to mount at the root of every realm's host."""

from __future__ import annotations

from django.urls import include, path

from boss.portals.selfhelp.views import sign_in

urlpatterns = [
    path("", sign_in.landing, name="landing"),
    path("login/", sign_in.sign_in, name="login"),
    path("logout/", sign_in.sign_out, name="logout"),
    path("login/forgotten/", sign_in.forgotten, name="forgotten"),
    path("invitation/<str:token>/", sign_in.invitation, name="invitation"),
    path("signup/", include("boss.portals.signup.urls")),
    path("my/", include("boss.portals.selfhelp.urls")),
    path("owner/", include("boss.portals.owner.urls")),
]
