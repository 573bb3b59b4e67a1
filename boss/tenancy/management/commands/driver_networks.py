"""``driver_networks``: which private networks a provider's drivers and endpoints may reach."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.tenancy.models import Realm
from boss.tenancy.services import driver_networks


class Command(BaseCommand):
    help = (
        "Show, add or remove the private networks that a provider's drivers and endpoints may reach. Public addresses "
        "are reached over TLS without being listed; networks for all providers stand in BOSS_DRIVER_NETWORKS."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("realm", help="the key of the provider's realm")
        parser.add_argument("--add", nargs="+", default=[], metavar="NETWORK", help="for instance 10.20.0.0/16")
        parser.add_argument("--remove", nargs="+", default=[], metavar="NETWORK")

    def handle(self, *args: Any, **options: Any) -> None:
        with scoping.system_transaction("driver networks"):
            realm = Realm.objects.filter(key=options["realm"]).first()
        if realm is None:
            raise CommandError(f"There is no realm {options['realm']}.")
        with scoping.realm_transaction(realm.pk, "platform"):
            before = Realm.objects.get(pk=realm.pk).settings.get(driver_networks.KEY, [])
            if strangers := set(options["remove"]) - set(before):
                raise CommandError(f"Not listed: {', '.join(sorted(strangers))}.")
            if options["add"] or options["remove"]:
                wanted = [each for each in (*before, *options["add"]) if each not in options["remove"]]
                operator = Actor.system(realm.pk, "Platform operator at the command line")
                try:
                    realm = driver_networks.allow(actor=operator, networks=wanted)
                except InvalidInput as refused:
                    raise CommandError("\n".join(map(str, refused.fields[driver_networks.KEY]))) from refused
            else:
                realm = Realm.objects.get(pk=realm.pk)
        for network in driver_networks.of_realm(realm):
            self.stdout.write(network)
