"""The tours: the plain walk, a failing server, a reversal, workers killed in the middle."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from boss.platform.tour.api import Api, Row
from boss.platform.tour.company import Company
from boss.platform.tour.proofs import Picture, Proofs
from boss.platform.tour.signup import Person, Placed, sign_up, somebody
from boss.platform.tour.stranger import NotAsExpected
from boss.platform.tour.walk import Order, Walk

Say = Callable[[str], None]

TRIPLE, TRIPLE_TITLE = "triple-300", "Triple 300"
INTERNET = "internet-100"
AT_SERVERS = ("create_mailboxes", "access_account", "tv_entitlements")
"""Tasks that are busy at servers at the same time: where a killed worker hurts most."""

TASK_OF_FAMILY = {
    "mail": "create_mailboxes", "dns": "dns_record", "access": "access_account", "ip": "address_lease",
    "voip": "voice_line", "e911": "load_e911", "iptv": "tv_entitlements",
}  # fmt: skip
"""The task of the new triple play that works at the servers of a family."""


class Guide:
    """One tour of the system at ``url``. ``kill`` ends the workers' processes and returns what it ended, in words."""

    def __init__(
        self, url: str, password: str, say: Say, *, charlie: tuple[str, str] = ("", ""), lab: bool = False
    ) -> None:
        """``lab``: every service that a real server is bound for has to be there, and to work."""
        self.url, self.say, self._charlie, self._lab = url, say, charlie, lab
        self.company = Company(url, password)
        self.walk = Walk(self.company, say)
        self.integrator = self.company.integrator()
        self.proofs = Proofs(self.integrator, say)

    # The tours

    def plain(self) -> None:
        """Sign-up to served, by card; then an integrator's order that needs nobody."""
        placed, order = self.begin()
        self.walk.follow(order)
        self.prove(placed, order)
        self.by_integration()

    def failing(self, family: str) -> None:
        """A server is down: retries, one ticket, a person resolves it, the run goes on to the end."""
        task_key = TASK_OF_FAMILY.get(family)
        if task_key is None:
            raise NotAsExpected(f"nothing fails by family {family}; there are {', '.join(TASK_OF_FAMILY)}")
        helped: list[Row] = []

        def help_it(task: Row) -> None:
            if task["key"] != task_key:
                raise NotAsExpected(f"“{task['title']}” needs people, but it is {family} that is down: {task['error']}")
            helped.append(task)
            ticket = self.walk.ticket(task["ticket"])
            self.say(
                f"    ticket {ticket['number']} “{ticket['title']}” in pool {ticket['pool']}, opened by BOSS itself"
            )
            self.set_down(family, down=False)
            self.walk.answer(task, "retry")

        with self.down(family):
            placed, order = self.begin()
            story = self.walk.follow(order, on_attention=help_it)
        if len(helped) != 1 or len(story.tickets.get(task_key, [])) != 1:
            raise NotAsExpected(
                f"{len(helped)} calls for help and tickets {story.tickets.get(task_key)} instead of one"
            )
        attempts = self.integrator.get(f"workflow/tasks/{order.run}-{task_key}/attempts/")
        failed = [each for each in attempts if each["outcome"] in ("retry", "failed")]
        if len(failed) < 2:
            raise NotAsExpected(f"{task_key} failed {len(failed)} times: that is no retrying")
        self.proofs.ok(f"{len(failed)} failed attempts on record, one ticket, one resolution, then the run went on")
        self.prove(placed, order)

    def reversed(self) -> None:
        """Almost installed, then everything is undone, and nothing is left of it anywhere."""
        person = somebody()
        before, others_before = self.proofs.picture(person), self._others(frozenset())
        placed, order = self.begin(person)

        def visit_is_due(tasks: list[Row]) -> bool:
            return any(task["key"] == "install_visit" and task["state"] == "waiting" for task in tasks)

        self.walk.follow(order, until=visit_is_due)
        refs = self.proofs.refs(order)
        middle = self.proofs.picture(person, order, refs)
        if not all(found for place, found in middle.items() if place != "charges"):
            raise NotAsExpected(f"before the reversal there should be something everywhere: {middle}")
        self.say(f"  now in effect: {_words(middle)}")
        if self._lab:
            self.proofs.at_real_servers(self.proofs.rows(order))

        self.say("\nHelen, the manager, reverses the run: the building's owner does not allow the drop")
        helen = self.company["helen"]
        plan = helen.get(f"workflow/runs/{order.run}/preview/")
        self.say(f"  preview: {len(plan['steps'])} steps, {len(plan['for_people'])} for people")
        reason = {"reason": "The owner of the building does not allow the drop."}
        helen.post(f"workflow/runs/{order.run}/reverse/", reason)
        self.walk.follow(order)

        run = self.integrator.get(f"workflow/runs/{order.run}/")
        row = self.integrator.get(f"subscribers/orders/{order.row['public_id']}/")
        if (run["state"], row["state"]) != ("reversed", "cancelled"):
            raise NotAsExpected(f"the run is {run['state']} and the order {row['state']}")
        after = self.proofs.picture(person, order, refs)
        if after != before:
            raise NotAsExpected(f"the picture after the reversal is {after}, before the order it was {before}")
        self.proofs.ok(f"before the order: {_words(before)}")
        self.proofs.ok(f"after the reversal: {_words(after)}: equal")
        self.proofs.free_again(middle, refs)
        if lost := others_before - self._others(refs):
            raise NotAsExpected(f"the reversal took away what belongs to others: {sorted(lost)}")
        self.proofs.ok(f"{len(others_before)} objects of others at the servers are untouched")
        page = placed.browser.open(placed.page.url)
        self.proofs.ok(f"the stranger reads: {_headline(page.text)}")

    def killed(self, kill: Callable[[], str]) -> None:
        """The workers are killed while services are being set up; the run ends all the same, with nothing doubled."""
        done: list[str] = []

        def strike(tasks: list[Row]) -> None:
            states = {task["key"]: task["state"] for task in tasks}
            busy = ", ".join(key for key in AT_SERVERS if states[key] == "running")
            if busy and not done:
                done.append(busy)
                self.say(f"  ☠ {kill()}, in the middle of {busy}")

        # Slow servers make sure that the blow falls while calls are under way. They are slow before the order is
        # placed: on a quick machine its tasks are over before the first look at them.
        with self.slow(("mail", "access", "iptv"), 1.5):
            placed, order = self.begin()
            self.walk.follow(order, each_time=strike)
        if not done:
            raise NotAsExpected("no task was seen working at a server, so nothing was killed")
        lost = sum(
            attempt["outcome"] == "lost"
            for task in self.walk.tasks(order)
            if task["kind"] == "automated"
            for attempt in self.integrator.get(f"workflow/tasks/{task['address']}/attempts/")
        )
        self.proofs.ok(f"{lost} attempts were lost with the workers and made again; nothing else was")
        self.proofs.nothing_doubled(order)
        self.prove(placed, order)

    # Their parts

    def begin(self, person: Person | None = None) -> tuple[Placed, Order]:
        """A stranger signs up; the CSR finds the order."""
        person = person or somebody()
        self.say(f"\nA stranger signs up for {TRIPLE_TITLE} at {self.url}/signup/")
        placed = sign_up(self.url, TRIPLE, person)
        order = self.walk.find_order(person.email)
        self.proofs.ok(f"{person.full_name} at {placed.address}: order {order.row['number']}; sent twice, taken once")
        self.say(f"\nThe run {order.run}, as Alice of customer service sees it")
        return placed, order

    def prove(self, placed: Placed, order: Order) -> None:
        """Everything the plan promises, seen where it is."""
        self.say("\nWhat is claimed, looked at where it is")
        self.proofs.complete(order)
        services = self.proofs.services(order)
        if self._lab:
            self.proofs.at_real_servers(self.proofs.rows(order))
            self.proofs.leased(self.proofs.rows(order))
        address = self.proofs.address(order)
        host, mailbox = services["dns.host"], services["mail.mailbox"]
        line = services["voip.line"]
        self.proofs.name_resolves(host, address)
        self.proofs.mailbox(mailbox)
        self.proofs.line(line, services["e911.record"])
        self.proofs.welcomed(placed)
        shown = [TRIPLE_TITLE, address, mailbox["name"], host["name"], line["name"]]
        self.proofs.account_page(self.company["alice"], order, placed, shown)
        self.proofs.subscriber(placed, TRIPLE_TITLE)
        if self._charlie[0]:
            self.proofs.invisible_next_door(self.company.charlie(*self._charlie), order, mailbox)

    def by_integration(self) -> None:
        """An order over the API alone, by a program, for a plan that needs no visit."""
        self.say("\nAn integrator orders Internet 100 over the API, with a key Rosa made for it")
        site = next(self.integrator.every("tenancy/sites/", address="40 Elm Street"))
        letters = f"{time.time_ns():x}"
        body = {
            "site": site["public_id"],
            "plan": INTERNET,
            "options": [{"key": "self-install", "quantity": 1}],
            "contact": {"full_name": "Ada Integra", "email": f"ada.{letters}@mail.example", "phone": "+1 555 555 0155"},
            "payment": {"method": "cash"},
        }
        row = self.integrator.post("subscribers/orders/", body, key=f"tour-{letters}")
        again = self.integrator.post("subscribers/orders/", body, key=f"tour-{letters}")
        if again["public_id"] != row["public_id"]:
            raise NotAsExpected("the same Idempotency-Key made a second order")
        self.proofs.ok(f"order {row['number']}; the same Idempotency-Key again gives the same order")
        order = Order(row, self.integrator.get(f"subscribers/accounts/{row['account']}/"))
        began = time.monotonic()
        self.walk.follow(order)
        self.proofs.complete(order)
        self.proofs.services(order)
        self.proofs.ok(f"order to active without anybody in {time.monotonic() - began:.1f} s")

    def _others(self, refs: frozenset[str]) -> set[str]:
        """What servers hold for services that are not ours."""
        return {
            f"{each['service_ref']} {each['kind']} {each['name']}"
            for each in self.proofs.held_by_all()
            if each["service_ref"] not in refs
        }

    @contextlib.contextmanager
    def down(self, family: str) -> Iterator[None]:
        """The family's simulated server does not answer inside."""
        self.set_down(family, down=True)
        try:
            yield
        finally:
            self.set_down(family, down=False)

    def set_down(self, family: str, *, down: bool) -> None:
        noc = self.company["nate"]
        for binding in self._simulated(noc, family):
            noc.post(f"ipservices/bindings/{binding['public_id']}/faults/", {"fault": "down", "value": down})
            self.say(
                f"  {'▼' if down else '▲'} {binding['name']} is {'down' if down else 'up again'} (practice slider)"
            )

    @contextlib.contextmanager
    def slow(self, families: tuple[str, ...], seconds: float) -> Iterator[None]:
        """Their simulated servers take ``seconds`` for each request inside."""
        noc = self.company["nate"]
        bindings = [binding for family in families for binding in self._simulated(noc, family)]
        path = "ipservices/bindings/{}/faults/"
        try:
            for binding in bindings:
                noc.post(path.format(binding["public_id"]), {"fault": "slow", "value": seconds})
            yield
        finally:
            for binding in bindings:
                noc.post(path.format(binding["public_id"]), {"fault": "slow", "value": 0})

    def _simulated(self, api: Api, family: str) -> list[Row]:
        """The server that new services of the family get; only a simulated one has sliders."""
        rows = list(api.every("ipservices/bindings/", family=family, enabled=True))
        rows.sort(key=lambda row: row["position"])
        if not rows or rows[0]["driver_key"] != "simulator":
            by = rows[0]["name"] if rows else "nobody"
            raise NotAsExpected(f"{family} is served by {by}, which is not a simulated server")
        return rows[:1]


def _words(picture: Picture) -> str:
    return ", ".join(f"{len(found)} {place}" for place, found in picture.items())


def _headline(text: str) -> str:
    start = text.find("Your order")
    return text[start : start + 160] if start >= 0 else text[:160]
