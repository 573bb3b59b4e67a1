"""Published graphs, kept in memory: a version never changes, so a process reads each of them once."""

from __future__ import annotations

from functools import lru_cache

from workflow import graph
from workflow.graph import Graph
from workflow.models import DefinitionVersion, Run


@lru_cache(maxsize=512)
def _graph(realm_id: int, version_id: int) -> Graph:
    version = DefinitionVersion.objects.get(realm_id=realm_id, pk=version_id)
    return graph.read(version.document)


def of_version(realm_id: int, version_id: int) -> Graph:
    """The graph of a version of the realm that is entered."""
    return _graph(realm_id, version_id)


def of_run(run: Run) -> Graph:
    return _graph(run.realm_id, run.version_id)


def forget() -> None:
    """For tests that rebuild the database: row numbers begin again."""
    _graph.cache_clear()
