"""The first wall as a reader of the code sees it: where each model's rows are reached from, and by whom."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from django.db import models

from boss.core import walls
from boss.tenancy.models import Organization, Site, User
from tests.architecture.sources import ROOT, trees

ENDS = {"organization": Organization, "site": Site, "building": Site, "own": User}

SURFACES = ("boss/console", "boss/portals", "boss/api", "boss/look", "boss/core/views.py", "boss/core/admin.py")
ROOMS = (
    "boss/core",
    "boss/notify",
    "boss/tenancy",
    "boss/automation",
    "boss/privacy",
    "ticketing",
    "workflow",
    "catalog",
    "subscribers",
    "ipservices",
)
DOORS = tuple(f"{room}/{door}" for room in ROOMS for door in ("api", "api.py", "admin.py", "forms.py", "views.py"))

ALLOWED = {
    "boss/core/api/views.py": "the frame of every viewset: what its rows() gives it narrows by visible_to itself",
    "boss/core/api/idempotency.py": "answers remembered by the sender's own key",
    "boss/look/once.py": "forms remembered by the key in them",
    "boss/look/context.py": "asks for the name of the database and reads nothing",
}
"""Surfaces' own machinery, and why each may touch a table."""

PARTS = {"items", "options", "prices", "features", "relations", "versions", "role_grants"}
"""What is shown with the row it is a part of, to whoever sees that one."""

PAST_THE_WALL = {
    "unscoped", "_base_manager", "_default_manager", "raw", "extra", "cursor", "get_model", "get_models",
    "objects_held", "_meta_manager", "RawSQL", "connection", "connections", "using",
}  # fmt: skip


def surfaces() -> Iterator[tuple[str, ast.AST]]:
    return ((name, tree) for name, tree in trees() if name.startswith((*SURFACES, *DOORS)))


def faults_of(name: str, tree: ast.AST) -> list[str]:
    """Each way in this source to a scoped table that does not lead through a selector or ``visible_to``."""
    found = []
    accessors = reverse_accessors() - PARTS
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (
            "django.db",
            "django.apps",
            "django.db.models.expressions",
        ):
            found += [
                f"{name}:{node.lineno} {alias.name}" for alias in node.names if alias.name in PAST_THE_WALL | {"apps"}
            ]
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr in PAST_THE_WALL and not is_plain_word(node):
            found.append(f"{name}:{node.lineno} .{node.attr}")
        above = parents.get(node)
        if node.attr == "objects" and not is_narrowed(above) and not is_in_rows(node, parents):
            found.append(f"{name}:{node.lineno} .objects")
        # account.tickets.all(): the rows that hang on a row, whoever may see them.
        chained = (
            isinstance(above, ast.Attribute) and above.attr != "visible_to" and hasattr(models.QuerySet, above.attr)
        )
        if node.attr in accessors and chained and isinstance(node.value, ast.Name | ast.Attribute):
            found.append(f"{name}:{node.lineno} .{node.attr}.{above.attr}")  # type: ignore[union-attr]
        if node.attr in PARTS and chained and above.attr != "all":  # type: ignore[union-attr]
            found.append(f"{name}:{node.lineno} .{node.attr}.{above.attr}")  # type: ignore[union-attr]
    return found


def is_plain_word(node: ast.Attribute) -> bool:
    """``request.using`` of somebody's form, and not of a manager: nothing of a query before it."""
    return node.attr in ("raw", "using", "extra") and not any(
        isinstance(part, ast.Attribute) and part.attr in ("objects", "unscoped") for part in ast.walk(node.value)
    )


def is_narrowed(above: ast.AST | None) -> bool:
    return isinstance(above, ast.Attribute) and above.attr in ("visible_to", "none")


def is_in_rows(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """In ``rows()`` of a viewset, whose answer the frame narrows (``BossViewSet.get_queryset``)."""
    inside = parents.get(node)
    while inside is not None and not isinstance(inside, ast.FunctionDef):
        inside = parents.get(inside)
    return isinstance(inside, ast.FunctionDef) and inside.name == "rows"


@functools.cache
def reverse_accessors() -> set[str]:
    related = [each for model in walls.scoped_models() for each in model._meta.related_objects]
    return {name for each in related if (name := each.get_accessor_name())}


def test_no_surface_reaches_a_scoped_table_but_through_selectors_and_visible_to():
    names = [name for name, _tree in surfaces()]
    assert len(names) > 130 and "boss/console/views/accounts.py" in names and "ticketing/api/views.py" in names
    found = [fault for name, tree in surfaces() if name not in ALLOWED for fault in faults_of(name, tree)]
    assert found == [], "read through a selector, or narrow by visible_to(actor)"


def test_each_way_round_the_first_wall_would_be_seen():
    ways = (
        "Ticket.objects.filter(pk=1)", "Ticket.objects.all()", "self.model.objects.get(pk=1)", "Ticket.unscoped.all()",
        "Ticket._base_manager.all()", "Ticket._default_manager.count()", "account.tickets.all()",
        "account.charges.filter(state='x')", "order.items.create()", "user.sessions.all()",
        "connections['default'].cursor()", "from django.db import connection", "from django.apps import apps",
        "Ticket.objects.raw('SELECT 1')", "from django.db.models.expressions import RawSQL",
        "apps.get_model('ticketing', 'Ticket')",
    )  # fmt: skip
    assert [way for way in ways if not faults_of("x", ast.parse(way))] == []
    fine = (
        "Ticket.objects.visible_to(actor).filter(pk=1)", "selectors.list_tickets(actor)", "order.items.all()",
        "class A(BossViewSet):\n    def rows(self):\n        return Ticket.objects.select_related('site')",
    )  # fmt: skip
    assert [way for way in fine if faults_of("x", ast.parse(way))] == []


def test_no_template_asks_the_database():
    verbs = (".all", ".count", ".exists", ".first", ".last", "_set.", ".objects", ".unscoped")
    found = []
    for folder in ("templates", *(path.as_posix() for path in ROOT.glob("*/templates"))):
        for path in (ROOT / folder).rglob("*"):
            for number, line in enumerate(path.read_text().splitlines() if path.is_file() else [], 1):
                spoken = [part.partition("}")[0] for part in line.split("{")[1:] if part[:1] in "{%"]
                words = [word.split("|")[0] for part in spoken for word in part.replace('"', " ").split()]
                if any((word.endswith(verbs) and word.count(".") > 1) or "_set." in word for word in words):
                    found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []


def test_every_scoped_model_says_how_narrower_grants_reach_its_rows_or_why_none_does():
    both = [model._meta.label for model in walls.scoped_models() if bool(model.scope_paths) == bool(model.realm_only)]  # type: ignore[attr-defined]
    assert both == [], (
        "give each of these scope_paths = {'organization': …, 'site': …, 'own': …}, "
        "or realm_only = 'why nobody reaches its rows but through the whole realm' (see boss/core/scoping.py)"
    )


def test_every_path_leads_to_what_its_grant_names():
    wrong = []
    for model in walls.scoped_models():
        for kind, path in model.scope_paths.items():  # type: ignore[attr-defined]
            if kind not in ENDS or end_of(model, path) is not ENDS[kind]:
                wrong.append(f"{model._meta.label}.scope_paths[{kind!r}] = {path!r}")
    assert wrong == []


def end_of(model: type[models.Model], path: str) -> type[models.Model] | None:
    """The model whose key a look-up path ends at."""
    at: type[models.Model] = model
    for part in path.split("__"):
        if part == "pk":
            return at
        named = {field.attname: field for field in at._meta.local_fields if field.is_relation}
        field = named.get(part) or at._meta.get_field(part)
        if not field.is_relation or field.related_model is None:
            return None
        at = field.related_model  # type: ignore[assignment]
    return at
