"""Published graphs, kept in memory: a version never changes, so a process reads each of them once."""

from __future__ import annotations

from functools import lru_cache

from django.db import connections

from boss.core import scoping
from workflow import graph
from workflow.graph import Graph
from workflow.models import DefinitionVersion, Run


@lru_cache(maxsize=512)
def _graph(database: str, realm_id: int, version_id: int) -> Graph:
    version = DefinitionVersion.objects.get(realm_id=realm_id, pk=version_id)
    return graph.read(version.document)


def of_version(realm_id: int, version_id: int) -> Graph:
    """The graph of a version of the realm that is entered."""
    # The name keeps apart what has the same number in another database of this process (tests, a restored copy).
    return _graph(str(connections[scoping.alias()].settings_dict["NAME"]), realm_id, version_id)


@lru_cache(maxsize=512)
def _fetched(database: str, realm_id: int, version_id: int) -> Graph:
    with scoping.realm_transaction(realm_id, "workflow"):
        return of_version(realm_id, version_id)


def of_any(realm_id: int, version_id: int) -> Graph:
    """The graph of a version of whatever realm, for what looks across them."""
    return _fetched(str(connections["default"].settings_dict["NAME"]), realm_id, version_id)


def of_run(run: Run) -> Graph:
    """The graph of the version the run started on."""
    return of_version(run.realm_id, run.version_id)
