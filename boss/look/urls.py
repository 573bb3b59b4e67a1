from __future__ import annotations

from django.urls import path

from boss.look import views

app_name = "look"

urlpatterns = [
    path("brand/<slug:version>.css", views.stylesheet, name="stylesheet"),
    path("brand/logo-<int:version>.png", views.logo, name="logo"),
]
