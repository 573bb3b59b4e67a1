"""The conformance kit: what every driver promises, as checks that run on every server at hand.

``checks`` are plain functions of a :class:`Bench`. The test suite runs all of them on every simulated and every real
server; ``manage.py driver check <binding>`` runs those a binding allows on somebody's own server, under a name made
for it, and keeps the result.
"""

from __future__ import annotations

from ipservices.conformance.bench import Bench, NotHere
from ipservices.conformance.checks import CHECKS, Broken, Check

__all__ = ["CHECKS", "Bench", "Broken", "Check", "NotHere"]
