"""``driver``: try the drivers of the installation, the way their authors and their operators do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import Realm
from ipservices.conformance.own import Outcome, Result
from ipservices.models import Binding
from ipservices.registry import drivers
from ipservices.services import bindings, conforming

_SIGNS = {Outcome.KEPT: "ok    ", Outcome.BROKEN: "BROKEN", Outcome.NOT_ASKED: "-     "}


class Command(BaseCommand):
    help = "List drivers and bindings, look at a server's health, or run the conformance kit on it."

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the drivers that are installed, and what each provides")
        for verb, words in (
            ("bindings", "the servers a realm has set up"),
            ("health", "look at a server, or at all of a realm, through the service itself too"),
            ("check", "run the conformance kit on one server, under a name made for it, and keep the report"),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("--realm", required=True, help="the key of the provider's realm")
            if verb == "check":
                one.add_argument("binding", help="its name or its id")
            elif verb == "health":
                one.add_argument("binding", nargs="?", default="", help="its name or its id; nothing: all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb == "list":
            for key, kind in drivers:
                self.stdout.write(f"{key:28} {', '.join(sorted(kind.capabilities.kinds))}")
            return
        with scoping.system_transaction("driver"):
            realm = Realm.objects.filter(key=options["realm"]).first()
            known = sorted(Realm.objects.values_list("key", flat=True))
        if realm is None:
            raise CommandError(f"There is no realm {options['realm']}; there are {', '.join(known)}.")
        with scoping.realm_transaction(realm.pk, "driver"):
            every = list(Binding.objects.order_by("family", "position", "id"))
        if verb == "bindings":
            for row in every:
                state = "off" if not row.enabled else {True: "healthy", False: "not healthy"}.get(row.healthy, "?")
                self.stdout.write(f"{row.public_id}  {row.family:8} {row.driver_key:28} {state:12} {row.name}")
            return
        if verb == "health" and not options["binding"]:
            self._health_of_all([row for row in every if row.enabled])
            return
        found = [row for row in every if options["binding"] in (row.public_id, row.name)]
        if not found:
            names = "\n".join(f"  {row.public_id}  {row.name}" for row in every)
            raise CommandError(f"There is no server {options['binding']} in this realm. There are:\n{names}")
        if verb == "health":
            self._health(found[0])
        else:
            self._check(found[0])

    def _health(self, binding: Binding) -> None:
        found = bindings.check_health(realm_id=binding.realm_id, binding_id=binding.pk)
        for words, good in (("can be changed", found.control), ("serves", found.service)):
            self.stdout.write(f"{'yes' if good else 'NO ':4} {words}")
        self.stdout.write(f"{found.milliseconds} ms  {found.detail}")
        if not found.is_good:
            raise CommandError("The server is not healthy.")

    def _health_of_all(self, every: list[Binding]) -> None:
        bad = []
        for binding in every:
            found = bindings.check_health(realm_id=binding.realm_id, binding_id=binding.pk)
            state = "healthy" if found.is_good else ("NOT SERVING" if found.control else "NO CONTROL")
            words = f"{binding.public_id}  {state:12} {found.milliseconds:6} ms  {binding.name}  {found.detail}"
            self.stdout.write(words.rstrip())
            bad += [binding.name] if not found.is_good else []
        if bad:
            raise CommandError(f"Not healthy: {', '.join(bad)}.")

    def _check(self, binding: Binding) -> None:
        actor = Actor.system(binding.realm_id, "Platform operator at the command line")
        with scoping.realm_transaction(binding.realm_id, actor.label):
            report = conforming.ask(actor=actor, binding=binding, now=True)
        report = conforming.run(realm_id=binding.realm_id, report_id=report.pk, tell=self._tell)
        self.stdout.write(f"{report.passed} kept, {report.broken} broken")
        if report.broken:
            raise CommandError("The driver does not keep what every driver promises on this server.")

    def _tell(self, result: Result) -> None:
        if result.outcome is Outcome.MEANS_NOTHING:
            return
        words = f"needs {result.detail}" if result.outcome is Outcome.NOT_ASKED else result.detail
        took = f"{result.milliseconds:6} ms"
        self.stdout.write(f"{_SIGNS[result.outcome]} {result.kind:16} {result.check:22} {took}  {words}".rstrip())
