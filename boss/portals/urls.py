"""The portals' addresses, for the roof to mount at the root of every realm's host."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
