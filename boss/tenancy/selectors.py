"""Reads of the ground: realms by host, actors for people and programs, places."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from typing import Any

from django.db import connections, models, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from boss.core import scoping, walls
from boss.core.actors import Actor, Grant
from boss.core.calendars import BusinessCalendar
from boss.core.problems import NotFound
from boss.tenancy import components, policies
from boss.tenancy.models import (
    ApiKey,
    Brand,
    Calendar,
    Organization,
    Passkey,
    Realm,
    RealmHost,
    Role,
    RoleGrant,
    SignInIdentity,
    SignInProvider,
    Site,
    Totp,
    User,
)  # fmt: skip
from boss.tenancy.models.calendars import intervals

_CACHE_SECONDS = 15
_hosts: dict[tuple[str, str], tuple[float, int | None]] = {}
_realms: dict[tuple[str, int], tuple[float, Realm]] = {}


def _database() -> str:
    # Part of every cache key: tests move between databases inside one process.
    return str(connections["default"].settings_dict["NAME"])


def forget_cached() -> None:
    """Called by whoever changes a realm, a host or a brand; other processes follow within seconds."""
    _hosts.clear()
    _realms.clear()


def find_realm_id_by_host(host: str) -> int | None:
    """The realm a host name (without port) belongs to. Runs before any realm is entered."""
    key = (_database(), host.lower().rstrip("."))
    cached = _hosts.get(key)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    with transaction.atomic(using="default"):
        realm_id = RealmHost.objects.using("default").filter(host=key[1]).values_list("realm_id", flat=True).first()
    if len(_hosts) > 1000:  # a stranger's made-up hosts must not fill the memory
        _hosts.clear()
    _hosts[key] = (time.monotonic() + _CACHE_SECONDS, realm_id)
    return realm_id


def get_realm(realm_id: int) -> Realm:
    """The realm entered; cached for some seconds."""
    key = (_database(), realm_id)
    cached = _realms.get(key)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    realm = Realm.objects.filter(pk=realm_id).first()
    if realm is None:
        raise NotFound(realm=realm_id)
    _realms[key] = (time.monotonic() + _CACHE_SECONDS, realm)
    return realm


def is_platform(realm_id: int) -> bool:
    return get_realm(realm_id).is_platform


def get_brand(realm_id: int) -> Brand:
    """The realm's brand, or an unsaved one with the realm's name."""
    brand: Brand | None = Brand.objects.filter(realm_id=realm_id).first()
    return brand or Brand(realm_id=realm_id, name=get_realm(realm_id).name)


def actor_for_user(user: User, request_id: str = "") -> Actor:
    """What a signed-in person may do. One query."""
    if not user.is_active:
        return Actor(realm_id=user.realm_id, kind="user", label=user.full_name, user_id=user.pk)
    rows = [row for row in RoleGrant.objects.filter(user=user).select_related("role") if _counts(row, user)]
    grants = tuple(each for row in rows for each in _grants(row))
    off = components.permissions_off(get_realm(user.realm_id).components)
    return Actor(user.realm_id, "user", user.full_name, user.pk, grants, None, request_id, switched_off=off)


def _counts(row: RoleGrant, user: User) -> bool:
    """Only staff are given something on the whole realm; should a row say otherwise, it does not count."""
    return row.kind != RoleGrant.Kind.REALM or user.kind == User.Kind.STAFF


def _grants(row: RoleGrant) -> list[Grant]:
    """What a row gives. An organization's role on a site is narrower than staff's there: it spares the residents."""
    held = row.role.effective_permissions()
    if row.kind != RoleGrant.Kind.SITE or row.role.is_for != "organization":
        return [Grant(held, row.kind, row.organization_id or row.site_id)]  # type: ignore[arg-type]
    asked = frozenset(each for each in held if each.startswith("ticketing."))
    return [Grant(held, "building", row.site_id), Grant(asked, "own")]


def visitor(realm_id: int, request_id: str = "") -> Actor:
    """Somebody on the portal who has not signed in."""
    off = components.permissions_off(get_realm(realm_id).components)
    grants = (Grant(policies.VISITOR, "realm"),)
    return Actor(realm_id, "visitor", "Visitor", None, grants, None, request_id, switched_off=off)


def find_actor_for_api_key(
    presented: str, request_id: str = "", *, address: str | None = None
) -> tuple[ApiKey, Actor] | None:
    """The key and its actor for ``boss_<public id>_<secret>``, or None when unknown, revoked or expired.

    The key of somebody who is not active is unknown, too, and so is one that comes from an ``address`` (IP) outside
    the networks it was made for.
    """
    match = re.fullmatch(r"boss_([0-9a-z]{12})_([A-Za-z0-9_-]{43})", presented)
    if match is None:
        return None
    key: ApiKey | None = _good_keys().filter(public_id=match[1]).first()
    digest = hashlib.sha256(match[2].encode()).hexdigest()
    if key is None or not hmac.compare_digest(key.secret_hash, digest):
        return None
    if key.source_networks and not _comes_from(address, key.source_networks):
        return None
    return key, _actor_for_api_key(key, request_id)


def _comes_from(address: str | None, networks: list[str]) -> bool:
    try:
        source = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(source, ipaddress.IPv6Address) and source.ipv4_mapped is not None:
        source = source.ipv4_mapped
    return any(source in ipaddress.ip_network(network) for network in networks)


def _good_keys() -> models.QuerySet[ApiKey]:
    good = ApiKey.objects.filter(revoked_at=None, expires_at__gt=Now()).select_related("role")
    # Keys are revoked with their maker; asked once more here, should somebody be made inactive by another way.
    keys: models.QuerySet[ApiKey] = good.exclude(created_by__is_active=False)
    return keys


def _actor_for_api_key(key: ApiKey, request_id: str = "") -> Actor:
    off = components.permissions_off(get_realm(key.realm_id).components)
    grants = (Grant(key.role.effective_permissions(), "realm"),)
    scopes = None if key.scopes is None else frozenset(key.scopes)
    label = f"API key {key.name}"
    return Actor(
        key.realm_id, "api_key", label, None, grants, scopes, request_id, api_key_id=key.pk, switched_off=off
    )  # fmt: skip


def find_actor(kind: str, number: int | None) -> Actor | None:
    """Somebody who asked for work that is done later (``Actor.kind`` and ``.number``), with the rights of now.

    None when there is no such user or key in the realm any more, or the key has ended.
    """
    if kind == "system":
        return Actor.system(scoping.current_realm_id())
    if number is None:
        return None
    if kind == "user":
        user: User | None = User.objects.filter(pk=number).first()
        return actor_for_user(user) if user else None
    key: ApiKey | None = _good_keys().filter(pk=number).first() if kind == "api_key" else None
    return _actor_for_api_key(key) if key else None


def find_user_by_email(email: str) -> User | None:
    """In the realm entered; named, because the platform's host runs in a scope that sees all."""
    mine = User.objects.filter(realm_id=scoping.current_realm_id())
    user: User | None = mine.filter(email_norm=normalise_email(email)).first()
    return user


def get_user(actor: Actor, public_id: str) -> User:
    user: User | None = User.objects.visible_to(actor).filter(public_id=public_id).first()
    if user is None:
        raise NotFound(user=public_id)
    return user


def list_sites(actor: Actor) -> models.QuerySet[Site]:
    sites: models.QuerySet[Site] = (
        Site.objects.visible_to(actor).select_related("organization").order_by("address_norm")
    )
    return sites


def get_site(actor: Actor, public_id: str) -> Site:
    site: Site | None = Site.objects.visible_to(actor).filter(public_id=public_id).first()
    if site is None:
        raise NotFound(site=public_id)
    return site


def find_organization(actor: Actor, public_id: str) -> Organization | None:
    """The organization of this address, if the actor may see it."""
    found: Organization | None = Organization.objects.visible_to(actor).filter(public_id=public_id).first()
    return found


def list_units(street: str, city: str) -> QuerySet[Site]:
    """Every unit of the building at an address; whoever calls has checked the right to it."""
    units: QuerySet[Site] = Site.objects.filter(street=street.strip(), city=city.strip()).exclude(unit="")
    return units.order_by("id")


def caretaker_of(actor: Actor) -> Organization | None:
    """The organization that owns the place the actor lives at. None where nobody does, or he lives nowhere."""
    found: Organization | None = Organization.objects.filter(sites__users=actor.user_id).first()
    return found if actor.user_id is not None else None


def suggest_sites(actor: Actor, text: str, limit: int = 8) -> list[Site]:
    """Sites whose address begins with what was typed; an index range, no LIKE (see security.md on leakproof)."""
    start = normalise_address(text)
    if len(start) < 2:
        return []
    found = Site.objects.visible_to(actor).filter(address_norm__gte=start, address_norm__lt=start + "\U0010ffff")
    return list(found.order_by("address_norm")[:limit])


def normalise_email(email: str) -> str:
    return email.strip().lower()


_ABBREVIATIONS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd",
    "court": "ct", "place": "pl", "north": "n", "south": "s", "east": "e", "west": "w",
    "apartment": "#", "apt": "#", "unit": "#", "suite": "#",
}  # fmt: skip


def normalise_address(*parts: str) -> str:
    """The comparable form of an address: lower case, punctuation gone, usual abbreviations."""
    words = re.sub(r"[^\w#]+", " ", " ".join(parts).lower().replace("#", " # ")).split()
    return re.sub(r"# ", "#", " ".join(_ABBREVIATIONS.get(word, word) for word in words))


def list_people(actor: Actor) -> models.QuerySet[User]:
    """The people the actor may see: of the realm, or of his organization, or himself."""
    people: models.QuerySet[User] = User.objects.visible_to(actor).select_related("site", "organization")
    return people


def list_staff(actor: Actor, most: int = 200) -> list[User]:
    """The active people of the staff whom the actor may see, by name: who can be given work. At most ``most``."""
    people = User.objects.visible_to(actor).filter(kind=User.Kind.STAFF, is_active=True)
    return list(people.order_by("full_name", "id")[:most])


MOST_NAMED = 1000
"""How many people of one name are looked at, the newest first."""


def people_called(text: str) -> models.Q:
    """Those whose e-mail begins with what was typed, or in whose name it stands."""
    norm = normalise_email(text)
    begins = models.Q(email_norm__gte=norm, email_norm__lt=norm + "\U0010ffff")
    if len(text) < 3:  # the index knows groups of three letters
        return begins | models.Q(full_name__icontains=text)
    return begins | models.Q(pk__in=walls.found_by_part(User, text, MOST_NAMED))


def list_roles(actor: Actor, *, archived: bool = False) -> models.QuerySet[Role]:
    """Built-in roles and the realm's own, by name; archived ones only when asked for."""
    roles: models.QuerySet[Role] = Role.objects.visible_to(actor).order_by("-built_in", "name", "id")
    return roles if archived else roles.filter(archived_at=None)


def get_role(actor: Actor, key: str) -> Role:
    role: Role | None = Role.objects.visible_to(actor).filter(key=key).first()
    if role is None:
        raise NotFound(role=key)
    return role


def list_holders(role: Role) -> models.QuerySet[RoleGrant]:
    """Who holds a role and on what, by name. Whoever calls it has checked that its reader may see roles."""
    grants: models.QuerySet[RoleGrant] = RoleGrant.objects.filter(role=role)
    return grants.select_related("user", "organization", "site").order_by("user__full_name", "id")


def list_api_keys(actor: Actor) -> models.QuerySet[ApiKey]:
    keys: models.QuerySet[ApiKey] = ApiKey.objects.visible_to(actor).select_related("role", "created_by")
    return keys


def list_organizations(actor: Actor) -> models.QuerySet[Organization]:
    organizations: models.QuerySet[Organization] = Organization.objects.visible_to(actor).order_by("name", "id")
    return organizations


def last_grants(user: User) -> list[RoleGrant]:
    """Roles of a user, for pages."""
    found: Any = RoleGrant.objects.filter(user=user).select_related("role", "organization", "site").order_by("id")
    return list(found)


def find_grant(user: User, **wanted: Any) -> RoleGrant | None:
    """The role of a user whom the caller was shown, by its row or by its place."""
    found = RoleGrant.objects.select_related("role", "user", "organization", "site").filter(user=user, **wanted)
    return found.first()  # type: ignore[no-any-return]


def find_app(user: User) -> Totp | None:
    """The person's authenticator app, once it is set up."""
    found: Totp | None = Totp.objects.filter(user=user, confirmed_at__isnull=False).first()
    return found


def list_passkeys(user: User) -> list[Passkey]:
    """The person's passkeys, the oldest first."""
    return list(Passkey.objects.filter(user=user).order_by("id"))


def list_sign_in_providers(*, active: bool = False) -> list[SignInProvider]:
    """Through whom staff may sign in, by name. No secret is read with them."""
    rows = SignInProvider.objects.defer("client_secret_sealed").order_by("name", "id")
    return list(rows.filter(is_active=True) if active else rows)


def find_sign_in_provider(public_id: str) -> SignInProvider | None:
    found: SignInProvider | None = SignInProvider.objects.filter(public_id=public_id).first()
    return found


def count_connected_accounts(provider: SignInProvider) -> int:
    """How many people are connected with a provider."""
    return int(SignInIdentity.objects.filter(provider=provider).count())


def list_connected_accounts(user: User) -> list[SignInIdentity]:
    """The person's accounts at providers, by the provider's name."""
    rows = SignInIdentity.objects.filter(user=user).select_related("provider")
    return list(rows.order_by("provider__name", "id"))


def list_roles_of_staff() -> list[tuple[str, str]]:
    """Key and name of the realm's roles that staff may hold, by name; customers' own roles are left out."""
    rows = Role.objects.exclude(key__in=("subscriber", "api_client")).order_by("name")
    return [(row.key, row.name) for row in rows]


def find_calendar(key: str) -> BusinessCalendar | None:
    """The business calendar of this key in the realm entered."""
    row = Calendar.objects.filter(key=key).first()
    return None if row is None else as_hours(row)


def as_hours(calendar: Calendar) -> BusinessCalendar:
    """The calendar as what can be counted with."""
    return BusinessCalendar(
        zone=calendar.time_zone or get_realm(calendar.realm_id).time_zone,
        weekly=intervals(calendar.weekly),
        holidays=frozenset(calendar.holidays),
    )


def get_calendar(key: str) -> Calendar:
    """The calendar of this key. Raises :class:`boss.core.problems.NotFound`."""
    row: Calendar | None = Calendar.objects.filter(key=key).first()
    if row is None:
        raise NotFound(calendar=key)
    return row


def list_calendars() -> list[Calendar]:
    """The realm's business calendars, by name."""
    return list(Calendar.objects.order_by("name"))
