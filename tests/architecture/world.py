"""One thing of every kind in Alice's realm, so that every address has something to be about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from boss.automation.services import endpoints, scripts
from boss.core import clock, crypto, exports
from boss.core.actors import Actor
from boss.core.files import Upload
from boss.notify.services import messages
from boss.platform.demo import building
from boss.platform.demo.trilakes import desk, plans
from boss.privacy.models import Erasure
from boss.privacy.services import copies
from boss.tenancy.models import SignInProvider, User
from boss.tenancy.models.calendars import office_hours
from boss.tenancy.services import api_keys, calendars, roles, single_sign_on, sites, users
from catalog import selectors as catalog
from catalog.models import Feature
from catalog.pricing import OptionChoice
from ipservices.models import Comparison, DriverCall, Finding, Migration, PhoneNumber, Prefix
from ipservices.services import addresses, bindings, design, numbers, outages, porting, prefixes
from subscribers import selectors as subscribers
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Collection, Statement
from subscribers.services import billing, leases, orders, portal_users
from tests.cast import PASSWORD, actor_of
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.mail.neutral import Address
from ticketing.models import WaitingAnswer
from ticketing.services import bulk as ticket_bulk
from ticketing.services import (
    checklists,
    costs,
    drafts_of_text,
    macros,
    policies,
    reports,
    skills,
    snippets,
    tickets,
    time,
    views,
)
from ticketing.services.bulk import Chosen
from ticketing.services.mail import intake, mailboxes, participants, wording
from workflow.models import Definition, Run
from workflow.services import bulk, drafts, limits


@dataclass(frozen=True)
class World:
    """Values for the parts of addresses, by room and resource; and the subscriber the order is for."""

    ids: dict[str, str]
    sam: User
    tom: User
    mona: User


def build(system: Actor) -> World:
    """Everything through the services, inside the realm that is entered."""
    building.make_desk(system, desk.POOLS, desk.CATEGORIES)
    for family in ("access", "ip", "dns", "mail", "cpe"):
        binding = bindings.create(actor=system, family=family, driver_key="simulator", name=f"Simulated {family}")
    prefixes.create(actor=system, network="192.0.2.0/24")
    numbers.add_block(actor=system, first="+12175550100", count=2)
    building.make_catalog(system, tuple(seed for seed in plans.PLANS if seed.key == "internet-100"))
    building.make_workflows(system, "self-install")

    organization = sites.create_organization(actor=system, name="Bayfront Bank")
    site = sites.create(
        actor=system, street="14 Elm Street", city="Lakeview", technology="hfc", access_node="node-04",
        organization=organization,
    )  # fmt: skip
    version = catalog.get_plan_version("internet-100")
    order = orders.submit(
        actor=system, site=site, plan_version=version,
        contact=ContactDetails("Sam Soto", "sam@mail.example", "+1 555 555 0100"),
        payment=PaymentChoice("cash"), options=[OptionChoice("self-install")],
    )  # fmt: skip
    sam, _made = portal_users.ensure(actor=system, account=order.account)
    tom = users.create(actor=system, email="tom@alpha.example", full_name="Tom Field", kind="staff", password=PASSWORD)
    roles.grant(actor=system, user=tom, role_key="field_technician")
    subscription = order.items.get().subscription
    service = design.design(actor=system, subscription=subscription, key="world")[0]
    address = addresses.assign(actor=system, service=service)
    call = DriverCall.objects.create(service=service, binding=binding, operation="observe", sentence="Looked.")
    comparison = Comparison.objects.create(binding=binding, asked_by="BOSS", finished_at=clock.now())
    finding = Finding.objects.create(
        binding=binding, comparison=comparison, service=service, kind="drift", key="drift:world", reason="It differs.",
        full_kind=service.full_kind, first_seen_at=clock.now(), last_seen_at=clock.now(),
        differences=[{"field": "quota_mb", "wanted": 1, "found": 2}],
    )  # fmt: skip
    newer = bindings.create(
        actor=system, family=binding.family, driver_key="simulator", name="newer", settings={"server": "newer"}
    )
    migration = Migration.objects.create(source=binding, target=newer, state="ready", asked_by="BOSS")
    ticket = tickets.open(actor=system, category_key="billing", title="A question", requester=sam)
    said = tickets.add_message(
        actor=actor_of(sam), ticket=ticket, body="See", files=[Upload.made("world.txt", b"World")]
    )
    outage = outages.open(
        actor=system, category_key="outage", title="World", text="World", scopes=[("node", "node-04")]
    )
    macro = macros.create(actor=system, key="world", name="World", steps=[{"do": "priority", "value": "2"}])
    box = mailboxes.define(actor=system, address=f"help@realm-{system.realm_id}.example", category=ticket.category)
    person = participants.join(
        ticket, Address("leo@home.example"), actor=system, role=ParticipantRole.CC, state=ParticipantState.HELD
    )
    mail = intake.receive(b"From: no-reply@x.example\n\nHello", envelope_from="", envelope_to=box.address)
    mona = users.create(
        actor=system, email="mona@alpha.example", full_name="Mona Main", kind="staff", password=PASSWORD
    )
    roles.grant(actor=system, user=mona, role_key="manager")
    saved = reports.save(actor=actor_of(mona), name="World", report="volume", filters={})
    key, _plain = api_keys.create(actor=system, name="ERP")
    message = messages.send(
        actor=system, template="welcome", to=[(sam.email, sam.full_name)],
        context={"name": "Sam", "account_number": "A-1", "order_number": "O-1", "plans": [], "site": "", "link": ""},
        key="world",
    )  # fmt: skip
    run = Run.objects.get(pk=order.run_id)
    chosen = bulk.begin(actor=system, kind="retry", public_ids=[run.public_id])
    skill = skills.define(actor=system, key=f"world-of-realm-{system.realm_id}", name="World")
    skills.ask(actor=system, category=ticket.category, skill=skill)
    drafts_of_text.keep(actor=actor_of(tom), ticket=ticket, kind="public", body="World")
    script = scripts.create(actor=system, key="world", title="World")
    text = "def run(inputs, boss):\n    return {}\n"
    scripts.propose(actor=system, script=script, source=text, nothing_to_undo=True)
    endpoint = endpoints.create(
        actor=system, key="world", kind="ticket", title="World", settings={"category": "billing"}
    )
    provider = SignInProvider.objects.create(name="Corp", issuer="http://127.0.0.1:9/corp", client_id="boss")
    provider.client_secret_sealed = crypto.seal("secret", bound_to=single_sign_on.place(provider))
    provider.save()
    today = clock.today()
    statement = Statement.objects.create(
        account=order.account, period_from=today, period_to=today + dt.timedelta(days=30), due_on=today, total="54.95",
        currency="USD",
    )  # fmt: skip
    payment = billing.receive(actor=system, account=order.account, amount=Decimal("1"), paid_by="cash")
    collection = Collection.objects.create(account=order.account, overdue_since=today, amount="53.95", currency="USD")
    lease = leases.receive(
        actor=system, organization=organization, reference="L-1", site=site, starts_on=today + dt.timedelta(days=9),
        resident=ContactDetails("Ria Rent", "ria@mail.example", "+1 555 555 0101"),
    )  # fmt: skip
    port = porting.prepare(
        actor=system, subscription=subscription, number="+13125550177", losing_carrier="RegionalVoice",
        account_number="1", pin="1", loa="", key="world", run_id=run.pk,
    )  # fmt: skip
    return World(
        {
            "tenancy/sites": site.public_id,
            "tenancy/organizations": organization.public_id,
            "tenancy/users": sam.public_id,
            "tenancy/api-keys": key.public_id,
            "tenancy/roles": roles.create(actor=system, name="Night shift", permissions=["core.use_console"]).key,
            "tenancy/sign-in-providers": provider.public_id,
            "provider": provider.public_id,
            "me/sessions": "0" * 12,
            "notify/messages": message.public_id,
            "ticketing/tickets": ticket.public_id,
            "ticketing/attachments": said.attachments.get().public_id,
            "ticketing/time-entries": time.add(actor=actor_of(tom), ticket=ticket, seconds=60).public_id,
            "ticketing/cost-rates": costs.set_rate(
                actor=system, per_hour=Decimal("48.00"), valid_from=dt.date(2026, 1, 1)
            ).public_id,
            "ticketing/views": views.create(actor=actor_of(tom), name="World", filters={}).public_id,
            "ticketing/bulks": ticket_bulk.begin(
                actor=actor_of(tom), verb="note", chosen=[Chosen(ticket.public_id)], given={"note": "World"}
            ).public_id,
            "ticketing/mails": mail.public_id,
            "ticketing/mailboxes": box.public_id,
            "ticketing/inbound-mails": mail.public_id,
            "ticketing/mail-texts": wording.keep(
                actor=system, place=wording.Place("received", "en"), body="Noted."
            ).public_id,
            "mail_kind": "received",
            "tag": "en",
            "ticketing/participants": person.public_id,
            "person_id": person.public_id,
            "answer_id": WaitingAnswer.objects.create(
                user=tom, ticket=ticket, body="World", sent_at=clock.now(), due_at=clock.now() + dt.timedelta(days=1)
            ).public_id,
            "ticketing/categories": "billing",
            "ticketing/pools": "csr",
            "ticketing/snippets": snippets.create(actor=system, name="World", texts={"en": "Hello"}).public_id,
            "ticketing/macros": macro.public_id,
            "macro_id": macro.public_id,
            "ticketing/checklist-items": checklists.add(actor=system, ticket=ticket, texts=["Call"])[0].public_id,
            "ticketing/reports": "volume",
            "ticketing/saved-reports": saved.public_id,
            "ticketing/policies": policies.create(actor=system, kind="sla", key="world", name="World").public_id,
            "catalog/features": Feature.objects.get(key="mail.mailbox").public_id,
            "catalog/plans": version.public_id,
            "catalog/plan-versions": version.public_id,
            "console/plans": version.plan.public_id,
            "console/calendars": calendars.define(actor=system, key="office", name="Office", weekly=office_hours()).key,
            "subscribers/accounts": order.account.public_id,
            "subscribers/orders": order.public_id,
            "subscribers/subscriptions": subscription.public_id,
            "subscribers/statements": statement.public_id,
            "subscribers/payments": payment.public_id,
            "subscribers/collections": collection.public_id,
            "subscribers/leases": lease.public_id,
            "ipservices/port-requests": port.public_id,
            "ipservices/services": service.public_id,
            "ipservices/driver-calls": call.public_id,
            "ipservices/bindings": binding.public_id,
            "ipservices/comparisons": comparison.public_id,
            "ipservices/findings": finding.public_id,
            "ipservices/migrations": migration.public_id,
            "ipservices/outages": outage.public_id,
            "ipservices/addresses": address.public_id,
            "ipservices/prefixes": Prefix.objects.get().public_id,
            "ipservices/numbers": PhoneNumber.objects.first().public_id,
            "workflow/drafts": drafts.create(actor=system, key="draft", title="Draft").public_id,
            "workflow/definitions": Definition.objects.get().public_id,
            "workflow/limits": limits.set_limit(actor=system, key="server:one", most_at_once=9).public_id,
            "automation/scripts": script.public_id,
            "automation/endpoints": endpoint.public_id,
            "workflow/bulks": chosen.public_id,
            "workflow/runs": run.public_id,
            "workflow/tasks": f"{run.public_id}-verify_address",
            "core/audit-exports": exports.ask(actor=system, wanted=exports.Wanted(), format="csv").public_id,
            "privacy/copies": copies.ask(actor=system, account=order.account).public_id,
            "privacy/erasures": Erasure.objects.create(account=order.account, asked_by="BOSS").public_id,
            "token": subscribers.progress_token(order),
            "key": "verify_address",
        },
        sam,
        tom,
        mona,
    )
