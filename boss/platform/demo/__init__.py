"""Demo realms: what a seed is, and the order in which `manage.py up` lets them grow.

A seed is registered by `seeds.register(key, Seed(…))` from ``providers``. It builds through the services, not by
inserting rows.
"""

from __future__ import annotations

from boss.platform.demo import providers  # noqa: F401 - registers the seeds of this house
from boss.platform.demo.registry import Login, Progress, Seed, logins, seed_minimum, seed_rest, seeds, try_first

__all__ = ["Login", "Progress", "Seed", "logins", "seed_minimum", "seed_rest", "seeds", "try_first"]
