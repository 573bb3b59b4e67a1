"""Every verb that changes something leaves its row in the audit trail. Read from the source, call by call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from boss.core import reads
from tests.architecture.sources import ROOT, name_of, parsed, trees, walk

UNRECORDED = {
    "ticketing.services.bulk.preview": "tells what would be done, and does nothing",
    "workflow.services.bulk.preview": "tells what would be done, and does nothing",
    "ticketing.services.drafts_of_text.keep": "text that was not sent: its author's alone, written every few seconds",
    "ticketing.services.keeping.keep": "files of a form that was refused: their sender's alone, for a day",
    "ticketing.services.keeping.forget": "they lie on a ticket now, and that they do is recorded there",
    "ticketing.services.notices.mark_seen": "that somebody has read what he was told is nobody else's business",
    "ticketing.services.presence.seen": "a sign of life of who is here; what people say of themselves is recorded",
    "boss.tenancy.services.passkeys.begin_registration": "asks the browser for a key; keeping it is recorded",
    "boss.tenancy.services.factors.begin_totp": "a secret that is not in force; confirming it is recorded",
}

SENSITIVE = (
    "boss/tenancy/services",
    "catalog/services/plans.py",
    "subscribers/services/charges.py",
    "ipservices/services/bindings.py",
)
"""Where people, grants, keys, realm settings, plan versions, charges and servers are changed."""

WITHOUT_VALUES = {"user.password_set": "the value is a secret", "charge.end_undone": "the charge itself says all"}


def modules() -> dict[str, ast.Module]:
    """Every module by its dotted name."""
    return {
        name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): tree
        for name, tree in trees()
        if "testing" not in name.split("/")
    }


def imported(name: str, tree: ast.Module, known: dict[str, ast.Module]) -> dict[str, str]:
    """Local name → dotted name, for what a module imports from the project."""
    names = {}
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


class Calls:
    """Which functions of the project call which, as far as names tell."""

    def __init__(self) -> None:
        self.known = modules()
        self.imports = {name: imported(name, tree, self.known) for name, tree in self.known.items()}
        self.bodies = {
            f"{name}.{node.name}": (name, node)
            for name, tree in self.known.items()
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }

    def made_by(self, function: str) -> Iterator[str]:
        module, node = self.bodies[function]
        names = self.imports[module]
        for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
            target = call.func
            if isinstance(target, ast.Name):
                yield names.get(target.id, f"{module}.{target.id}")
            elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                yield f"{names.get(target.value.id, target.value.id)}.{target.attr}"

    def real(self, name: str) -> str:
        """Where a name that a package hands on is defined."""
        for _step in range(5):
            module, _dot, last = name.rpartition(".")
            if name in self.bodies or last not in self.imports.get(module, {}):
                return name
            name = self.imports[module][last]
        return name

    def reaches(self, function: str, targets: frozenset[str]) -> bool:
        seen, waiting = set(), [function]
        while waiting:
            here = waiting.pop()
            if here in seen or here not in self.bodies:
                continue
            seen.add(here)
            for call in map(self.real, self.made_by(here)):
                if call in targets:
                    return True
                waiting.append(call)
        return False


RECORD = frozenset(
    {
        "boss.core.audit.record",
        "boss.core.audit.record_many",
        "boss.core.audit.part_of_statement",
        "boss.core.reads.note",
    }
)


def services(calls: Calls) -> list[str]:
    return sorted(
        name
        for name, (_module, node) in calls.bodies.items()
        if any(isinstance(each, ast.Name) and each.id in ("service", "one_write") for each in node.decorator_list)
    )


def test_every_service_leaves_a_row_in_the_audit_trail():
    calls = Calls()
    verbs = services(calls)
    unrecorded = {verb for verb in verbs if not calls.reaches(verb, RECORD)}
    assert len(verbs) > 80
    assert unrecorded == set(UNRECORDED)


def test_entries_about_what_is_sensitive_say_what_was_and_what_is():
    found = set()
    for place in SENSITIVE:
        for path in [ROOT / place] if place.endswith(".py") else (ROOT / place).glob("*.py"):
            for node in walk(parsed()[name_of(path)]):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record":
                    given = {keyword.arg: keyword.value for keyword in node.keywords}
                    action = given["action"].value if isinstance(given["action"], ast.Constant) else path.stem
                    if not {"before", "after"} & set(given) and action not in WITHOUT_VALUES:
                        found.add(f"{path.relative_to(ROOT)}: {action}")
    assert found == set()


def test_every_declared_read_is_noted_somewhere():
    noted = {
        keyword.value.value
        for tree in modules().values()
        for node in walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "note"
        for keyword in node.keywords
        if keyword.arg == "read" and isinstance(keyword.value, ast.Constant)
    }
    assert noted == {key for key, _read in reads.sensitive}
