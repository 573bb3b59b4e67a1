"""The portals' addresses, for the roof to mount at the root of every realm's host."""

from __future__ import annotations

from django.urls import include, path

from boss.portals.selfhelp.views import outages, sign_in, single_sign_on, steps, uploading

urlpatterns = [
    path("", sign_in.landing, name="landing"),
    path("login/", sign_in.sign_in, name="login"),
    path("logout/", sign_in.sign_out, name="logout"),
    path("login/forgotten/", sign_in.forgotten, name="forgotten"),
    path("login/second/", steps.second_step, name="second_step"),
    path("login/again/", steps.prove_again, name="prove_again"),
    path("login/passkey/options/", steps.passkey_options, name="passkey_options"),
    path("login/passkey/", steps.passkey, name="passkey"),
    path("login/with/<slug:provider>/", single_sign_on.start, name="single_sign_on"),
    path("login/with/<slug:provider>/back/", single_sign_on.back, name="single_sign_on_back"),
    path("login/email/<str:token>/", sign_in.new_email, name="new_email"),
    path("account/", include("boss.portals.account.urls")),
    path("invitation/<str:token>/", sign_in.invitation, name="invitation"),
    path("outage/<str:token>/", outages.is_it_back, name="is_it_back"),
    path("upload/<str:token>/", uploading.upload, name="upload"),
    path("signup/", include("boss.portals.signup.urls")),
    path("my/", include("boss.portals.selfhelp.urls")),
    path("owner/", include("boss.portals.owner.urls")),
]
