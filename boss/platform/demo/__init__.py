"""Demo realms: what a seed is, and the order in which `manage.py up` lets them grow.

A seed is registered by `seeds.register(key, Seed(…))` from a module of this package that `boss.platform.apps`
imports. It builds through the services, not by inserting rows.
"""

from __future__ import annotations

from boss.platform.demo.registry import Login, Progress, Seed, logins, seed_minimum, seed_rest, seeds, try_first

__all__ = ["Login", "Progress", "Seed", "logins", "seed_minimum", "seed_rest", "seeds", "try_first"]
