"""How a room offers its resources to the API root."""

from __future__ import annotations

from typing import NamedTuple

from rest_framework.viewsets import ViewSetMixin


class Route(NamedTuple):
    """One resource: ``prefix`` is the plural noun in the address, ``viewset`` answers below it."""

    prefix: str
    viewset: type[ViewSetMixin]
