"""The OpenAPI document: drawn from the code, committed as ``docs/openapi.yaml``, checked for drift."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from boss.core import scoping
from boss.core.scoping import Scope

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


class Incomplete(RuntimeError):
    """Something on the API cannot be described; the message says what."""


@functools.cache
def document() -> dict[str, Any]:
    """The document. Drawing takes a second and depends on the code alone, so each process does it once.

    Raises :class:`Incomplete` rather than leave something undescribed.
    """
    # In system scope because models are looked at outside of any realm; no query is run.
    with scoping.enter(Scope(None, "openapi", system=True)), GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        drawn: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    faults = [f"{fault}" for cache in (GENERATOR_STATS._error_cache, GENERATOR_STATS._warn_cache) for fault in cache]
    if faults:
        raise Incomplete("\n".join(faults))
    return drawn


@functools.cache
def as_yaml() -> bytes:
    """The document as it is committed. Writing it takes as long as drawing it, so that is done once as well."""
    rendered: bytes = OpenApiYamlRenderer().render(document(), renderer_context={})  # type: ignore[no-untyped-call]
    return rendered
