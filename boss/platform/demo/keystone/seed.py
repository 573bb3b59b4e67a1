"""The seed of Keystone Community Networks (``mission.md`` section 5, C): owners, buildings, units, bulk plans."""

from __future__ import annotations

from collections.abc import Iterator

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo import building
from boss.platform.demo.registry import Login, Progress, Seed
from boss.platform.demo.shapes import CategorySeed, Person, Place, PlanSeed
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Realm, Site
from boss.tenancy.services import realms, roles, users
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft
from ipservices.models import Binding
from ipservices.services import bindings
from subscribers.contact import ContactDetails
from subscribers.models import Account
from subscribers.services import accounts
from ticketing.choices import CategoryKind, Priority

KEY = "keystone"
HOST = "keystone.localhost"
DOMAIN = "keystone.example"
PASSWORD = "keystone-demo-door"  # noqa: S105 - printed by `manage.py up`: this realm is for trying out

STAFF = (
    Person("Dora Keene", "realm_admin", ("account",), "Keystone's administrator"),
    Person("Ivan Petrov", "csr", ("help-desk", "move-desk"), "Keystone's move desk"),
    Person("Nora Blake", "noc", ("noc",)),
    Person("Luis Campos", "field_technician", ("field",)),
    Person("Greta Holm", "manager", ("build", "account")),
)
POOLS = (
    ("help-desk", "Help desk", "Residents' calls, 7 to 22."),
    ("move-desk", "Move desk", "Moves in and out, and what stands in their way."),
    ("account", "Account managers", "Owners, contracts, launches."),
    ("build", "Build", "Surveys, designs, permits, risers."),
    ("noc", "Network operations", "Cores, MDFs, servers, order fallout."),
    ("field", "Field", "Access points and repairs."),
)
CATEGORIES = (
    CategorySeed(
        "resident-wifi", "Resident Wi-Fi", "help-desk", reply_hours=0.5, resolve_hours=12, portal_visible=True
    ),
    CategorySeed("owner-request", "Owner request", "account", reply_hours=4, resolve_hours=120, portal_visible=True),
    CategorySeed("property-build", "Property build", "build", CategoryKind.WORK),
    CategorySeed("workflow-fallout", "Order fallout", "noc", CategoryKind.FALLOUT, 0.5, 4, priority=Priority.HIGH),
    CategorySeed("workflow-work", "Workflow task", "move-desk", CategoryKind.WORK),
    CategorySeed("lead", "Lead", "account", CategoryKind.LEAD, 24, portal_visible=True),
)
OWNERS = (
    "Alder Residential", "Beacon Senior Living", "Campus Crossing", "Delmar HOA", "Ellison Trust", "Foundry Lofts",
)  # fmt: skip
STREETS = (
    "100 Alder Court", "20 Beacon Hill Road", "1 Campus Way", "55 Delmar Avenue", "8 Ellison Place",
    "300 Foundry Street",
)  # fmt: skip
UNITS_EACH = 40
BULK_300 = ("Ellison Trust", "Foundry Lofts")
SERVERS = ("access", "cpe", "ip")
DEFINITIONS = ("resident-move-in", "building-turn-up", "property-turn-up")


def _plan(key: str, title: str, down: int, up: int, monthly: str, once: str = "0.00") -> PlanSeed:
    features = (
        FeaturePart("data.access", {"down": down, "up": up, "cap": 0}),
        FeaturePart("aaa.account"),
        FeaturePart("cpe.router"),
        FeaturePart("wifi.network"),
    )
    version = VersionDraft(
        features=features,
        monthly={title: monthly},
        once={"Activation": once} if once != "0.00" else {},
        options=(OptionPart("guest-wifi", "Guest Wi-Fi", monthly="4.00"),),
        workflows={"activate": "resident-move-in"},
        technologies=("mdu",),
    )
    return PlanSeed(key, title, f"{down}/{up} Mbps in every room.", "internet", version)


PLANS = (
    _plan("bulk-100", "Bulk 100", 100, 100, "24.00"),
    _plan("bulk-300", "Bulk 300", 300, 300, "32.00"),
    _plan("retail-300", "Retail 300", 300, 300, "59.00", "25.00"),
)


def places(owner: int) -> Iterator[Place]:
    """The units of one owner's building: ten to a floor."""
    for unit in range(UNITS_EACH):
        number = f"{unit // 10 + 1}{unit % 10 + 1:02d}"
        yield Place(STREETS[owner], "Keystone", "19500", number, OWNERS[owner], "mdu", f"mdf-{owner + 1:02d}")


def make_realm() -> Realm:
    """The provider. ``move_in_plans`` says what each owner buys for his residents."""
    return realms.create(
        key=KEY,
        name="Keystone Community Networks",
        hosts=[HOST, f"my.{DOMAIN}"],
        time_zone="America/New_York",
        settings={
            "scheme": "http",
            "provisioning": {"host_zone": f"subs.{DOMAIN}", "mail_domain": DOMAIN},
            "move_in_plans": {"": "bulk-100", **dict.fromkeys(BULK_300, "bulk-300")},
        },
    )


def minimum() -> None:
    """Provider, staff, desk, servers, plans, owners with their accounts, and the first building."""
    realm = make_realm()
    with scoping.realm_transaction(realm.pk, "demo"):
        actor = Actor.system(realm.pk, "Demo")
        building.make_desk(actor, POOLS, CATEGORIES)
        building.make_staff(actor, STAFF, DOMAIN, PASSWORD)
        present = set(Binding.objects.values_list("family", flat=True))
        for family in SERVERS:
            if family not in present:
                bindings.create(actor=actor, family=family, driver_key="simulator", name=f"Simulated {family}")
        building.make_catalog(actor, PLANS)
        building.make_workflows(actor, *DEFINITIONS)
        owners = building.make_organizations(actor, tuple((name, "property_owner") for name in OWNERS))
        for position, owner in enumerate(owners.values()):
            _open_account(actor, position, owner)
        _let_sign_in(actor, owners[OWNERS[0]])
        for place in places(0):
            building.make_site(actor, place, owners)


def rest() -> Iterator[Progress]:
    """The other buildings."""
    with scoping.system_transaction("demo"):
        realm_id = Realm.objects.values_list("pk", flat=True).get(key=KEY)
    for owner in range(1, len(OWNERS)):
        with scoping.realm_transaction(realm_id, "demo"):
            actor = Actor.system(realm_id, "Demo")
            if Site.objects.filter(street=STREETS[owner]).count() < UNITS_EACH:
                owners = building.make_organizations(actor, ((OWNERS[owner], "property_owner"),))
                for place in places(owner):
                    building.make_site(actor, place, owners)
        yield Progress("buildings", owner + 1, len(OWNERS))


def _open_account(actor: Actor, position: int, owner: Organization) -> None:
    """What the owner pays for his residents is charged here."""
    if not Account.objects.filter(organization=owner, site=None).exists():
        local = owner.name.split()[0].lower()
        contact = ContactDetails(owner.name, f"office@{local}.example", f"+1 555 555 01{60 + position}")
        account = accounts.open(actor=actor, contact=contact, organization=owner)
        accounts.activate(actor=actor, account=account)


def _let_sign_in(actor: Actor, owner: Organization) -> None:
    """The owner's manager, who sends the lease feed and sees his building, and no more of his residents."""
    email = f"manager@{owner.name.split()[0].lower()}.example"
    user = tenancy.find_user_by_email(email)
    if user is None:
        user = users.create(
            actor=actor, email=email, full_name=f"Manager of {owner.name}", kind="contact", password=PASSWORD,
            organization=owner,
        )  # fmt: skip
    roles.grant(actor=actor, user=user, role_key="property_owner", organization=owner)


SEED = Seed(
    minimum=minimum,
    rest=rest,
    logins=tuple(
        Login(person.what, person.email(DOMAIN), PASSWORD, f"http://{HOST}:{{port}}/console/")
        for person in STAFF
        if person.what
    ),
)
