"""Databases that several tests begin with: the demo providers, seeded once a run and copied for each test."""

from __future__ import annotations

from boss.platform import demo
from boss.platform.demo.trilakes import seed as trilakes
from boss.platform.testing.databases import Furniture
from boss.tenancy import selectors as tenancy


def _tri_lakes() -> None:
    tenancy.forget_cached()
    trilakes.minimum()
    tenancy.forget_cached()


def _providers() -> None:
    tenancy.forget_cached()
    demo.seed_minimum()
    tenancy.forget_cached()


TRI_LAKES = Furniture("tri_lakes", _tri_lakes)
"""Tri-Lakes Cable as it is when ``manage.py up`` shows the first page."""

PROVIDERS = Furniture("providers", _providers)
"""All demo realms as they are when ``manage.py up`` shows the first page."""
