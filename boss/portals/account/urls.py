from __future__ import annotations

from django.urls import path

from boss.portals.account import connections, views

app_name = "account"

urlpatterns = [
    path("", views.home, name="home"),
    path("second-factor/", views.set_up, name="set_up"),
    path("app/", views.app, name="app"),
    path("app/remove/", views.app_remove, name="app_remove"),
    path("codes/", views.codes, name="codes"),
    path("codes/renew/", views.codes_renew, name="codes_renew"),
    path("passkeys/options/", views.passkey_options, name="passkey_options"),
    path("passkeys/", views.passkey_add, name="passkey_add"),
    path("passkeys/<str:passkey>/rename/", views.passkey_rename, name="passkey_rename"),
    path("passkeys/<str:passkey>/remove/", views.passkey_remove, name="passkey_remove"),
    path("connections/confirm/", connections.confirm, name="connection_confirm"),
    path("connections/<slug:provider>/add/", connections.add, name="connection_add"),
    path("connections/<slug:provider>/remove/", connections.remove, name="connection_remove"),
    path("sessions/end-others/", views.sessions_end_others, name="sessions_end_others"),
    path("sessions/<str:session>/end/", views.session_end, name="session_end"),
    path("password/", views.password, name="password"),
    path("email/", views.email, name="email"),
    path("go-on/", views.go_on, name="go_on"),
]
