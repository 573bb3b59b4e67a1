"""The seed of High Prairie Wireless (``mission.md`` section 5, B): who looks from here sees nothing of Tri-Lakes."""

from __future__ import annotations

from collections.abc import Iterator

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo import building
from boss.platform.demo.registry import Login, Progress, Seed
from boss.platform.demo.shapes import CategorySeed, Person, Place, PlanSeed
from boss.tenancy.services import realms
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft
from ipservices.models import Binding, Prefix
from ipservices.services import bindings, prefixes
from ticketing.choices import CategoryKind, Priority

HOST = "highprairie.localhost"
DOMAIN = "highprairie.example"
PASSWORD = "high-prairie-demo"  # noqa: S105 - printed by `manage.py up`: this realm is for trying out

STAFF = (
    Person("Charlie Cole", "realm_admin", ("office", "tech"), "High Prairie's administrator"),
    Person("Winona Reed", "csr", ("office",)),
    Person("Tuck Farley", "noc", ("tech",)),
    Person("Hank Dunning", "field_technician", ("installers",)),
)
# The shared workflow names these pools; a small provider has the same people in several.
POOLS = (
    ("office", "Office", "Answers the telephone, books, bills."),
    ("tech", "Tech", "Towers, servers, order fallout."),
    ("installers", "Installers", "Surveys, mounts, alignments."),
    ("csr", "Customer service", "The office again."),
    ("billing", "Billing", "The office again."),
    ("noc", "Network operations", "Tech again."),
)
CATEGORIES = (
    CategorySeed("trouble-wireless", "Trouble: Wireless", "tech", reply_hours=1, resolve_hours=48, portal_visible=True),
    CategorySeed("site-survey", "Site survey", "installers", CategoryKind.WORK, 48, 120),
    CategorySeed("billing-hold", "Billing and vacation hold", "office", reply_hours=24, resolve_hours=48),
    CategorySeed("workflow-fallout", "Order fallout", "tech", CategoryKind.FALLOUT, 0.5, 4, priority=Priority.HIGH),
    CategorySeed("workflow-work", "Workflow task", "office", CategoryKind.WORK),
    CategorySeed("lead", "Lead", "office", CategoryKind.LEAD, 24, portal_visible=True),
)
ORGANIZATIONS = (("Prairie Grain Co-op", "corporate"), ("Cole County", "corporate"), ("Sunflower Electric", "partner"))
SITES = tuple(
    Place(f"{number} County Road 9", "Harlan", "67400", technology="wireless", access_node=f"tower-{number % 3 + 1}")
    for number in range(100, 112)
)
SERVERS = ("access", "ip", "dns", "mail", "cpe")


def _plan(key: str, down: int, up: int, monthly: str) -> PlanSeed:
    features = (
        FeaturePart("data.access", {"down": down, "up": up, "cap": 0}),
        FeaturePart("aaa.account"),
        FeaturePart("ip.dynamic"),
        FeaturePart("dns.host", choosable=("host_name",)),
        FeaturePart("mail.mailbox", choosable=("address",)),
        FeaturePart("cpe.router"),
    )
    installs = (
        OptionPart("install-24", "Installation, 24 months", choice_group="installation", once="149.00"),
        OptionPart("install-free", "Installation, no term", choice_group="installation", once="249.00"),
    )
    title = f"Prairie {down}"
    version = VersionDraft(
        features=features, monthly={title: monthly}, options=installs, workflows={"activate": "new-wireless-install"},
        technologies=("wireless",),
    )  # fmt: skip
    return PlanSeed(key, title, f"{down}/{up} Mbps over the air, no limit.", "internet", version)


PLANS = (
    _plan("prairie-25", 25, 5, "49.00"),
    _plan("prairie-50", 50, 10, "65.00"),
    _plan("prairie-100", 100, 20, "85.00"),
)


def minimum() -> None:
    """Provider, staff, desk, servers, plans and some addresses."""
    realm = realms.create(
        key="highprairie",
        name="High Prairie Wireless",
        hosts=[HOST, f"portal.{DOMAIN}"],
        time_zone="America/Denver",
        settings={"scheme": "http", "provisioning": {"host_zone": f"subs.{DOMAIN}", "mail_domain": DOMAIN}},
    )
    with scoping.realm_transaction(realm.pk, "demo"):
        actor = Actor.system(realm.pk, "Demo")
        realms.change_brand(actor=actor, name="High Prairie Wireless", colour="#b7791f", phone="+1 555 555 0190")
        building.make_desk(actor, POOLS, CATEGORIES)
        building.make_staff(actor, STAFF, DOMAIN, PASSWORD)
        present = set(Binding.objects.values_list("family", flat=True))
        for family in SERVERS:
            if family not in present:
                bindings.create(actor=actor, family=family, driver_key="simulator", name=f"Simulated {family}")
        if not Prefix.objects.exists():
            prefixes.create(actor=actor, network="198.19.0.0/24")
        building.make_catalog(actor, PLANS)
        building.make_workflows(actor, "new-wireless-install")
        organizations = building.make_organizations(actor, ORGANIZATIONS)
        for place in SITES:
            building.make_site(actor, place, organizations)


def rest() -> Iterator[Progress]:
    """Nothing more."""
    return iter(())


SEED = Seed(
    minimum=minimum,
    rest=rest,
    logins=tuple(
        Login(person.what, person.email(DOMAIN), PASSWORD, f"http://{HOST}:{{port}}/console/")
        for person in STAFF
        if person.what
    ),
    try_first=(
        "A survey that fails: order a plan at http://highprairie.localhost:{port}/, answer the tickets as"
        " charlie@highprairie.example, and say in the survey that the tower cannot be seen",
    ),
)
