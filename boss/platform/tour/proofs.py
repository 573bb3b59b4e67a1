"""What the tour claims, checked where it can be seen: at the servers, on the pages, next door."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from boss.platform import lab
from boss.platform.tour.api import Api, Row
from boss.platform.tour.signup import Person, Placed
from boss.platform.tour.stranger import NotAsExpected
from boss.platform.tour.walk import Order

NEW_PASSWORD = "tour and three lakes"  # noqa: S105 - of somebody made up a minute ago

Picture = dict[str, list[str]]
"""What is in effect, by place: names of objects at the servers, addresses, numbers, charges, sign-ins."""


class Proofs:
    """Checks of one order. Each says what it saw, or raises :class:`NotAsExpected`."""

    def __init__(self, api: Api, say: Callable[[str], None]) -> None:
        self.api, self._say = api, say

    def ok(self, text: str) -> None:
        self._say(f"  ✓ {text}")

    def complete(self, order: Order) -> None:
        """Order, account, subscription and charges say the same: it is done and paid for."""
        row = self.api.get(f"subscribers/orders/{order.row['public_id']}/")
        _same("the order's state", row["state"], "completed")
        account = self.api.get(f"subscribers/accounts/{order.account['public_id']}/")
        _same("the account's state", account["state"], "active")
        held = list(self.api.every("subscribers/subscriptions/", account=account["public_id"]))
        _same("the subscriptions' states", [each["state"] for each in held], ["active"])
        charges = list(self.api.every("subscribers/charges/", account=account["public_id"], state="active"))
        monthly = sum((Decimal(each["total"]) for each in charges if each["kind"] == "recurring"), Decimal())
        _same("the monthly charges", monthly, sum(Decimal(item["monthly"]) for item in row["items"]))
        self.ok(f"order {row['number']} completed, account {account['number']} active, {monthly} a month charged")

    def services(self, order: Order) -> dict[str, Row]:
        """Every service is active, and its server itself holds it under our id. The services by ``family.kind``."""
        rows = list(self.api.every("ipservices/services/", account=order.account["public_id"]))
        if not rows:
            raise NotAsExpected("the account has no services")
        for row in rows:
            _same(f"the state of {row['title']} {row['name']}", (row["state"], row["is_behind"]), ("active", False))
            seen = self.observed(row)
            _same(f"{row['name']} at {row['server']}", seen["service_ref"], f"svc-{row['public_id']}")
        self.ok(f"{len(rows)} services active, each read back from its own server")
        return {f"{row['family']}.{row['kind']}": row for row in rows}

    def observed(self, service: Row) -> Row:
        """What the server itself says about a service."""
        seen: Row = self.api.post(f"ipservices/services/{service['public_id']}/observe/")
        if not seen["present"]:
            raise NotAsExpected(f"{service['server']} does not hold {service['name']}")
        return seen

    def rows(self, order: Order) -> list[Row]:
        """The account's services that are in use."""
        every = self.api.every("ipservices/services/", account=order.account["public_id"])
        return [row for row in every if row["state"] == "active"]

    def at_real_servers(self, services: Iterable[Row]) -> None:
        """What a real server is bound for is there, and works for the subscriber's own programs.

        Real are all servers but the simulated ones. A family that none of them serves stays simulated.
        """
        rows = sorted(self.api.every("ipservices/bindings/", enabled=True), key=lambda row: row["position"])
        real = {row["name"]: row for row in rows if row["driver_key"] != "simulator"}
        if not real:
            raise NotAsExpected("no real server is bound: start them with `manage.py lab up` or `up --lab`")
        tried: dict[str, list[str]] = {}
        for service in services:
            wanted = [name for name, row in real.items() if row["family"] == service["family"] and _fits(row, service)]
            if not wanted:
                continue
            if service["server"] not in real:
                raise NotAsExpected(
                    f"{service['title']} {service['name']} is at {service['server']}, not at {wanted[0]}"
                )
            answer = self.api.post(f"ipservices/services/{service['public_id']}/try/")["works"]
            if answer is False:
                raise NotAsExpected(f"{service['name']} at {service['server']} does not work for its subscriber")
            note = "" if answer is None else " works"
            tried.setdefault(service["server"], []).append(f"{service['name']}{note}")
        for server, names in sorted(tried.items()):
            self.ok(f"{server}: {', '.join(names)}")
        if not tried:
            raise NotAsExpected(f"none of the services is at a real server; bound are {', '.join(real)}")

    def leased(self, services: Iterable[Row]) -> None:
        """Where a real server hands out addresses, the subscriber's router asks for its own, gets it and holds it.

        An account may have more addresses than its router asks for; of each IP version one is the router's.
        """
        servers = {row["name"]: row for row in self.api.every("ipservices/bindings/", enabled=True)}
        real = [
            row for row in services if row["family"] == "ip" and servers[row["server"]]["driver_key"] != "simulator"
        ]
        seen = [(row, self.observed(row)["attributes"]) for row in real]
        bound = [(row, attributes) for row, attributes in seen if attributes["bound"]]
        versions = {":" in str(attributes["address"]) for _row, attributes in seen}
        if versions != {":" in str(attributes["address"]) for _row, attributes in bound}:
            raise NotAsExpected(f"no router is entered for {', '.join(row['name'] for row in real)}")
        for row, attributes in bound:
            server = servers[row["server"]]
            use = getattr(lab.modules().get(server["driver_key"]), "use", None)
            if use is None:
                continue  # a server whose lab lends no client
            _same("what the router gets", use(server["settings"], attributes), row["name"])
            if not self.observed(row)["sessions"]:
                raise NotAsExpected(f"{row['server']} knows of no lease of {row['name']}")
            self.ok(f"router {attributes['identifier']} asks {row['server']} and gets {row['name']}")

    def address(self, order: Order) -> str:
        """The account's address, handed out to nobody else."""
        own = list(self.api.every("ipservices/addresses/", account=order.account["public_id"]))
        addresses = [row["address"] for row in own if ":" not in row["address"]]
        if not addresses:
            raise NotAsExpected("the account has no address")
        for row in own:
            everywhere = list(self.api.every("ipservices/addresses/", address=row["address"]))
            _same(f"who has {row['address']}", [each["public_id"] for each in everywhere], [row["public_id"]])
        self.ok(f"address {', '.join(row['address'] for row in own)} belongs to this account alone")
        return str(addresses[0])

    def name_resolves(self, host: Row, address: str) -> None:
        """The host name leads to the address: asked of a real name server with DNS, else of the simulated one."""
        server = next(row for row in self.api.every("ipservices/bindings/") if row["name"] == host["server"])
        if server["driver_key"] == "simulator":
            _same(f"{host['name']} at {host['server']}", self.observed(host)["attributes"]["addresses"], [address])
            self.ok(f"{host['name']} → {address} (at the simulated name server)")
            return
        settings: dict[str, Any] = server["settings"]
        question = dns.message.make_query(host["name"], "A")
        try:
            answer = dns.query.udp(question, settings["dns_host"], port=int(settings["dns_port"]), timeout=5)
        except (dns.exception.DNSException, OSError) as error:
            raise NotAsExpected(f"{host['server']} does not answer DNS: {error}") from error
        found = [item.to_text() for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A for item in rrset]
        _same(f"{host['name']} by DNS", found, [address])
        self.ok(f"dig {host['name']} @{settings['dns_host']} -p {settings['dns_port']} → {address} ({host['server']})")

    def mailbox(self, mailbox: Row) -> None:
        seen = self.observed(mailbox)
        _same("the mailbox's address", seen["attributes"]["address"], mailbox["name"])
        self.ok(f"mailbox {mailbox['name']} at {mailbox['server']}")

    def line(self, line: Row, emergency: Row) -> None:
        """The line works under a number that is its own, and the rescue services know where it is."""
        number = self.observed(line)["attributes"]["number"]
        rows = list(self.api.every("ipservices/numbers/", number=number))
        _same(f"number {number}", [(row["state"], row["service"]) for row in rows], [("assigned", line["public_id"])])
        record = self.observed(emergency)["attributes"]
        _same("the emergency record's number", record["number"], number)
        self.ok(f"line {number} at {line['server']}, emergency address {record['civic_address']}")

    def welcomed(self, placed: Placed) -> None:
        """One welcome mail, to the address that was typed."""
        sent = list(self.api.every("notify/messages/", address=placed.person.email, template="welcome"))
        _same(f"welcome mails to {placed.person.email}", len(sent), 1)
        self.ok(f"welcome mail “{sent[0]['subject']}” to {placed.person.email}")

    def account_page(self, csr: Api, order: Order, placed: Placed, wanted: list[str]) -> None:
        """The CSR's page of the account shows everything."""
        answer = csr.http.get(f"/console/accounts/{order.account['public_id']}/")
        wanted = [order.account["number"], placed.person.full_name, placed.person.email, *wanted]
        missing = [word for word in wanted if word not in answer.text]
        if answer.status_code != 200 or missing:
            raise NotAsExpected(f"the account page ({answer.status_code}) does not show {', '.join(missing)}")
        self.ok(f"account page shows {len(wanted)} facts: {', '.join(wanted)}")

    def subscriber(self, placed: Placed, title: str) -> None:
        """The stranger is a customer now: follows the order, chooses a password, sees what was bought."""
        page = placed.browser.open(placed.page.url)
        form = next((each for each in page.forms if each.action.endswith("/sign-in/")), None)
        if form is None:
            raise NotAsExpected(f"the order's page does not offer to set up the sign-in: {page.text[:300]}")
        page = placed.browser.send(page, form)
        page = placed.browser.send(page, page.form("password"), password=NEW_PASSWORD)
        home = placed.browser.open("/my/")
        if home.status != 200 or title not in home.text:
            where = f"{home.url}, {home.status}"
            raise NotAsExpected(f"the self-help page ({where}) does not show {title}: {home.text[:300]}")
        self.ok(f"{placed.person.full_name} signs in to self-help and sees {title}")

    def invisible_next_door(self, charlie: Api, order: Order, service: Row) -> None:
        """Charlie of another provider gets 404 for everything of this order."""
        paths = (
            f"subscribers/orders/{order.row['public_id']}/", f"subscribers/accounts/{order.account['public_id']}/",
            f"workflow/runs/{order.run}/", f"ipservices/services/{service['public_id']}/",
        )  # fmt: skip
        _same("what Charlie gets", [charlie.status(path) for path in paths], [404] * len(paths))
        self.ok("Charlie of High Prairie Wireless gets 404 for order, account, run and service")

    def nothing_doubled(self, order: Order) -> None:
        """Every task ended once, and each server holds one object per service."""
        told = self.api.get(f"workflow/runs/{order.run}/journal/")
        tasks = self.api.get(f"workflow/runs/{order.run}/tasks/")
        done = [task for task in tasks if task["state"] == "done"]
        attempts = sum(task["attempt"] for task in done)
        refs = self.refs(order)
        names = [held["service_ref"] for held in self.held_by_all() if held["service_ref"] in refs]
        _same("objects at servers per service", sorted(names), sorted(refs))
        self.ok(f"{len(done)} tasks done in {attempts} attempts, {len(told)} journal lines")
        self.ok(f"{len(refs)} services, each one object at one server, none twice")

    def picture(self, person: Person, order: Order | None = None, refs: frozenset[str] = frozenset()) -> Picture:
        """What is in effect for a person, whether or not there is an order yet.

        At every server: what is named after the person or held for a service in ``refs``. In our books: who can sign
        in, which accounts are in service, and of the order's account what it has been given and charged.
        """
        held = self.held_by_all()
        found: Picture = {
            "objects at servers": [
                f"{each['kind']} {each['name']}"
                for each in held
                if each["service_ref"] in refs or person.word in each["name"]
            ],
            "accounts in service": [
                row["number"]
                for row in self.api.get("subscribers/accounts/search/", q=person.email)
                if row["state"] in ("active", "suspended")
            ],
            "sign-ins": [row["email"] for row in self.api.every("tenancy/users/", email=person.email, is_active=True)],
            "addresses": [],
            "numbers": [],
            "charges": [],
        }
        if order is not None:
            account = order.account["public_id"]
            charges = self.api.every("subscribers/charges/", account=account, state="active")
            found["addresses"] = [row["address"] for row in self.api.every("ipservices/addresses/", account=account)]
            found["numbers"] = [row["number"] for row in self.api.every("ipservices/numbers/", account=account)]
            found["charges"] = [row["title"] for row in charges]
        return found

    def free_again(self, middle: Picture, refs: frozenset[str]) -> None:
        """Addresses and numbers that were given out are not ours any more: free, or somebody else's by now."""
        for path, kind, place in (("addresses", "address", "addresses"), ("numbers", "number", "numbers")):
            for given in middle[place]:
                rows = self.api.every(f"ipservices/{path}/", **{kind: given})
                ours = [row["service"] for row in rows if f"svc-{row['service']}" in refs]
                _same(f"our services that still have {given}", ours, [])
        self.ok(f"{', '.join(middle['addresses'] + middle['numbers'])} are given back")

    def refs(self, order: Order) -> frozenset[str]:
        """The ids under which servers hold what belongs to the order."""
        rows = self.api.every("ipservices/services/", account=order.account["public_id"])
        return frozenset(f"svc-{row['public_id']}" for row in rows)

    def held_by_all(self) -> list[Row]:
        """Every object of ours at every server in use, as the servers themselves list them."""
        found: list[Row] = []
        for binding in self.api.every("ipservices/bindings/", enabled=True):
            found += self.api.get(f"ipservices/bindings/{binding['public_id']}/held/")
        return found


def _fits(binding: Row, service: Row) -> bool:
    """Whether the rules of a server let it have a service of this kind."""
    kinds = binding["rules"].get("kinds")
    return not kinds or f"{service['family']}.{service['kind']}" in kinds


def _same(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise NotAsExpected(f"{what}: {found!r} instead of {wanted!r}")
