"""Planning the services of a subscription, and filling in what became known since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, When, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from boss.core import audit, clock, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from boss.tenancy import selectors as tenancy
from ipservices import sealing
from ipservices.choices import AddressKind, ServiceState
from ipservices.designers import Planned, Setting, Sold, plan
from ipservices.errors import NoBinding, NotDesigned, ServiceWrongState
from ipservices.events import ServiceRemoved
from ipservices.models import Prefix, Service
from ipservices.reverse import are_named
from ipservices.services import bindings, clients
from ipservices.services.set_aside import SetAside
from subscribers.models import Subscription

_MOST_NAMES = 1000


@transactional
def design(*, actor: Actor, subscription: Subscription, key: str = "") -> list[Service]:
    """Plan every service the subscription's features need; nothing is done at any server yet.

    What is planned already stays. ``key`` marks what this call made, so that it can be taken back.
    """
    locked: Subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)

    require(actor, "ipservices.change_service")

    setting = setting_of(locked)
    living = {
        (row.feature_key, row.kind, row.ordinal)
        for row in Service.objects.filter(subscription=locked).exclude(state=ServiceState.TERMINATED)
    }
    made = [
        _write(locked, feature_key, planned, key)
        for feature_key, planned in plan(sold_features(locked), setting)
        if (feature_key, planned.kind, planned.ordinal) not in living
    ]

    for row in made:
        audit.record(actor=actor, action="service.designed", subject=row, after={"kind": row.full_kind})
    return made


@transactional
def discard(*, actor: Actor, subscription: Subscription, key: str) -> int:
    """Take back what :func:`design` planned under ``key``; how many. Raises when one of it is still in service."""
    require(actor, "ipservices.change_service")

    rows = Service.objects.select_for_update(of=("self",)).filter(subscription=subscription, designed_by=key)
    count = 0
    for row in rows.exclude(state=ServiceState.TERMINATED).order_by("id"):
        if row.state in (ServiceState.ACTIVE, ServiceState.SUSPENDED):
            raise ServiceWrongState(_("%(service)s is still in service.") % {"service": row}, service=row.public_id)
        end(actor=actor, service=row)
        count += 1
    return count


def end(*, actor: Actor, service: Service) -> None:
    """Close the row of a service that no server holds any more. For the services of this room, in a transaction."""
    before = service.state
    service.terminate()
    service.terminated_at = clock.now()
    service.save()
    audit.record(actor=actor, action="service.terminated", subject=service, before={"state": before})
    events.publish(ServiceRemoved(service_id=service.pk))


def sold_features(subscription: Subscription) -> list[Sold]:
    """The subscription's configuration as designers read it; what people fulfil is left out."""
    return [
        Sold(
            key=feature["key"],
            title=feature["title"],
            driver_family=feature["driver_family"],
            quantity=feature["quantity"],
            values=feature["characteristics"],
        )
        for feature in subscription.features
        if feature.get("fulfilment", "driver") == "driver"
    ]


def setting_of(subscription: Subscription) -> Setting:
    """Names for a subscription's services. A realm may set ``provisioning`` {host_zone, mail_domain} of its own."""
    return settings_of([subscription])[subscription.pk]


def settings_of(subscriptions: Sequence[Subscription]) -> dict[int, Setting]:
    """The same for many subscriptions of the realm at once, by their keys."""
    if not subscriptions:
        return {}
    realm = tenancy.get_realm(subscriptions[0].realm_id)
    own: Mapping[str, Any] = realm.settings.get("provisioning", {})
    named_in_reverse = _named_in_reverse()
    has_delegations = Prefix.objects.filter(kind=AddressKind.DELEGATION, purpose="dynamic").exists()
    earlier = _earlier_ones(subscriptions)
    return {
        each.pk: Setting(
            handle=each.account.number.lower() + (f"-{earlier[each.pk] + 1}" if earlier[each.pk] else ""),
            owner=each.account.name,
            email=each.account.email,
            civic_address=each.site.label,
            host_zone=str(own.get("host_zone") or f"subs.{realm.key}.example"),
            mail_domain=str(own.get("mail_domain") or f"{realm.key}.example"),
            has_delegations=has_delegations,
            named_in_reverse=named_in_reverse,
        )
        for each in subscriptions
    }


def _earlier_ones(subscriptions: Sequence[Subscription]) -> dict[int, int]:
    """How many subscriptions the same account had before each, by their keys.

    All of an account are gone through once: an owner may have one for each of ten thousand flats.
    """
    keys, accounts = [each.pk for each in subscriptions], {each.account_id for each in subscriptions}
    numbered = Subscription.objects.filter(account__in=accounts, pk__lte=max(keys)).annotate(
        number=Window(RowNumber(), partition_by=F("account"), order_by="pk")
    )
    # Counted before those asked for are picked: a condition on the key alone would leave the others uncounted.
    asked = numbered.annotate(asked=Case(When(pk__in=keys, then=F("number")))).filter(asked__isnull=False)
    return {pk: number - 1 for pk, number in asked.values_list("pk", "number")}


def _named_in_reverse() -> frozenset[str]:
    """Purposes of which every single address has its name in a reverse zone of the realm's name server."""
    try:
        server = bindings.choose(full_kind="dns.ptr")
    except NoBinding:
        return frozenset()
    zones = str(server.settings.get("reverse_zones") or "").split()
    prefixes = list(Prefix.objects.filter(kind=AddressKind.ADDRESS)) if zones else []
    unnamed = {prefix.purpose for prefix in prefixes if not are_named(prefix.ip_network, zones)}
    return frozenset(prefix.purpose for prefix in prefixes) - unnamed


def fill_in(service: Service) -> bool:
    """Put what became known since planning (address, client, number) into the desired state; whether anything changed.

    Raises :class:`NotDesigned` when something it needs is not there yet, :class:`ClientTaken`. Call it in a
    transaction, then save.
    """
    late = _LATE.get(service.full_kind)
    if late is None:
        return False
    name, attributes = late(service, SetAside([service.subscription_id]))
    if service.full_kind == "ip.assignment":
        attributes |= clients.fill_in(service)
    desired = {**service.desired, **attributes}
    if name == service.name and desired == service.desired:
        return False
    service.name, service.desired = name, desired
    service.revision += 1
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription consists of by its features: planned services by feature, kind and ordinal."""

    planned: Mapping[tuple[str, str, int], Planned]

    @property
    def features(self) -> set[str]:
        return {feature for feature, _kind, _ordinal in self.planned}

    def of(self, service: Service) -> Planned | None:
        return self.planned.get((service.feature_key, service.kind, service.ordinal))

    def keeps(self, service: Service) -> bool:
        """Whether a service stays with its feature. A reverse record goes also with the host name it says."""
        follows = service.full_kind == "dns.ptr"
        return service.feature_key in self.features and not (follows and self.of(service) is None)


# What is known only later, named on the server, or the owner's: a new plan does not touch it where it is there.
_STAYS = frozenset(
    ("address", "addresses", "number", "mac", "serial", "model", "aliases", "login", "subscriber", "zone", "rrsets")
)
# What designers write only with the feature it comes from: without that feature it goes.
_COMES_AND_GOES = frozenset(("ssid", "vlan", "static_address", "delegated_prefix"))


def wanted(subscription: Subscription) -> Wanted:
    """What the subscription's features ask for now."""
    return wanted_by_all([subscription])[subscription.pk]


def wanted_by_all(subscriptions: Sequence[Subscription]) -> dict[int, Wanted]:
    """The same for many subscriptions of the realm at once, by their keys."""
    settings = settings_of(subscriptions)
    return {
        each.pk: Wanted(
            {(feature, one.kind, one.ordinal): one for feature, one in plan(sold_features(each), settings[each.pk])}
        )
        for each in subscriptions
    }


# Handed out of the inventory or part of the name: no server's word for it is taken over.
SET_ASIDE = frozenset(("address", "addresses", "number", "static_address", "login", "subscriber", "zone"))

# What one of them is depends on the others: addresses are named and routed, a line has an emergency address.
_TOGETHER = (frozenset(("ip", "dns", "access")), frozenset(("voip", "e911")))


def families_behind(subscription: Subscription) -> set[str]:
    """Families whose services are not (all, or any more) what the subscription wants, and those that hang on them."""
    wants = wanted(subscription)
    rows = Service.objects.filter(subscription=subscription).exclude(state=ServiceState.TERMINATED)
    living = {(row.feature_key, row.kind, row.ordinal): row for row in rows}
    behind = {planned.family for key, planned in wants.planned.items() if key not in living}
    behind |= {row.family for row in living.values() if wants.of(row) is None or _is_behind(row, wants)}
    return behind.union(*(group for group in _TOGETHER if group & behind))


def _is_behind(row: Service, wants: Wanted) -> bool:
    try:
        return differs(row, wants)
    except NotDesigned:
        return True  # what it stands on is still to come


@transactional
def catch_up(*, actor: Actor, subscription: Subscription, families: Collection[str], key: str) -> None:
    """After an order was amended: make what is only planned of these families what the subscription wants now.

    Services in use are left to whoever brings them up. ``key`` marks what this call made, as for :func:`design`.
    """
    wants = wanted(subscription)
    rows = Service.objects.filter(subscription=subscription, family__in=families)
    living = {(row.feature_key, row.kind, row.ordinal): row for row in rows.exclude(state=ServiceState.TERMINATED)}

    require(actor, "ipservices.change_service")

    for row in [row for row in living.values() if row.state == ServiceState.DESIGNED]:
        if wants.of(row) is None:
            end(actor=actor, service=row)
        else:
            _plan_anew(actor, row, wants)
    for (feature_key, kind, ordinal), planned in wants.planned.items():
        if planned.family in families and (feature_key, kind, ordinal) not in living:
            made = _write(subscription, feature_key, planned, key)
            audit.record(actor=actor, action="service.designed", subject=made, after={"kind": made.full_kind})


@transactional
def drop_unwanted(*, actor: Actor, subscription: Subscription) -> int:
    """End services that are only planned and that the subscription does not want any more; how many."""
    planned = list(Service.objects.filter(subscription=subscription, state=ServiceState.DESIGNED))
    wants = wanted(subscription) if planned else Wanted({})

    require(actor, "ipservices.change_service")

    unwanted = [row for row in planned if wants.of(row) is None]
    for row in unwanted:
        end(actor=actor, service=row)
    return len(unwanted)


def _plan_anew(actor: Actor, row: Service, wants: Wanted) -> None:
    desired = _adapted(row, wants, late=False)
    if desired != row.desired:
        before, row.desired = row.desired, desired
        row.revision += 1
        row.save()
        audit.record(actor=actor, action="service.changed", subject=row, before=before, after=desired)


def differs(service: Service, wanted: Wanted) -> bool:
    """Whether the service is not yet as its subscription wants it."""
    return bool(_adapted(service, wanted) != service.desired)


def as_sold(service: Service, wanted: Wanted, aside: SetAside | None = None) -> dict[str, Any]:
    """The desired state of a service as its subscription and the inventory want it now. Raises :class:`NotDesigned`.

    ``aside``: what is set aside for it and others, where many are asked about.
    """
    return _adapted(service, wanted, aside=aside)


@transactional
def adapt(*, actor: Actor, service: Service, wanted: Wanted) -> Service:
    """Make the desired state of a service in use what its subscription wants now. Whoever calls brings it up."""
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service.pk)

    require(actor, "ipservices.change_service", row)

    desired = _adapted(row, wanted)
    if desired == row.desired:
        return row

    before = {key: row.desired.get(key) for key in desired if row.desired.get(key) != desired[key]}
    row.desired = desired
    planned = wanted.of(row)
    if planned is not None and planned.secrets:
        row.sealed_secrets = sealing.seal_secrets(row, {**planned.secrets, **sealing.open_secrets(row)})
    row.revision += 1
    row.save()

    audit.record(
        actor=actor, action="service.changed", subject=row, before=before, after={key: desired[key] for key in before}
    )
    return row


def _adapted(service: Service, wanted: Wanted, *, late: bool = True, aside: SetAside | None = None) -> dict[str, Any]:
    planned = wanted.of(service)
    if planned is None:
        return dict(service.desired)
    kept = {key: value for key, value in service.desired.items() if key not in _COMES_AND_GOES}
    news = {key: value for key, value in planned.attributes.items() if not (key in _STAYS and kept.get(key))}
    known_later = _LATE.get(service.full_kind) if late else None
    if known_later is None:
        return {**kept, **news}
    _name, found = known_later(service, aside or SetAside([service.subscription_id]))
    return {**kept, **news, **found}


def _write(subscription: Subscription, feature_key: str, planned: Planned, key: str) -> Service:
    name = _free_name(planned)
    attributes = dict(planned.attributes)
    if name != planned.name and planned.full_kind == "mail.mailbox":
        attributes["address"] = name
    row: Service = Service.objects.create(
        account_id=subscription.account_id,
        subscription=subscription,
        site_id=subscription.site_id,
        feature_key=feature_key,
        title=planned.title,
        family=planned.family,
        kind=planned.kind,
        name=name,
        ordinal=planned.ordinal,
        desired=attributes,
        designed_by=key,
    )
    if planned.secrets:
        row.sealed_secrets = sealing.seal_secrets(row, planned.secrets)
        row.save(update_fields=["sealed_secrets"])
    return row


def _free_name(planned: Planned) -> str:
    """The name, or for mailboxes and host names the next one with a number; the unique constraint has the last word."""
    if planned.full_kind not in ("mail.mailbox", "dns.host"):
        return planned.name
    separator = "@" if planned.kind == "mailbox" else "."
    head, _sep, tail = planned.name.partition(separator)
    for number in range(1, _MOST_NAMES):
        name = planned.name if number == 1 else f"{head}{number}{separator}{tail}"
        taken = Service.objects.filter(family=planned.family, kind=planned.kind, name=name)
        if not taken.exclude(state=ServiceState.TERMINATED).exists():
            return name
    return planned.name


def _assigned(service: Service, aside: SetAside, kind: str) -> list[str]:
    return [str(row) for row in aside.around(service) if row.prefix.kind == kind]


def _address(service: Service, aside: SetAside) -> tuple[str, dict[str, Any]]:
    rows = aside.addresses(service)
    if not rows:
        raise NotDesigned(_("No address has been set aside for %(service)s.") % {"service": service.title})
    return str(rows[0]), {"address": str(rows[0])}


def _host(service: Service, aside: SetAside) -> tuple[str, dict[str, Any]]:
    addresses = _assigned(service, aside, AddressKind.ADDRESS)
    if not addresses:
        raise NotDesigned(_("%(name)s has no address to point to.") % {"name": service.name})
    return service.name, {"addresses": sorted(addresses)}


def _reverse(service: Service, aside: SetAside) -> tuple[str, dict[str, Any]]:
    beside = aside.beside(service)
    wanted_at = (service.feature_key, "ip.assignment", service.ordinal)
    assignments = [row for row in beside if (row.feature_key, row.full_kind, row.ordinal) == wanted_at]
    hosts = [row for row in beside if row.full_kind == "dns.host"]
    if not assignments or not hosts:
        raise NotDesigned(_("%(service)s has no address or no host name yet.") % {"service": service.title})
    address, attributes = _address(assignments[0], aside)
    return address, {**attributes, "host_name": hosts[0].name}


def _access(service: Service, aside: SetAside) -> tuple[str, dict[str, Any]]:
    static = [row for row in aside.beside(service) if row.feature_key == "ip.static"]
    known = {"static_address": _address(min(static, key=lambda row: row.ordinal), aside)[0]} if static else {}
    if delegated := _assigned(service, aside, AddressKind.DELEGATION):
        known["delegated_prefix"] = delegated[0]
    return service.name, known


def _number(service: Service, aside: SetAside) -> tuple[str, dict[str, Any]]:
    wanted_at = (service.feature_key, "line", service.ordinal)
    line = [row for row in aside.beside(service) if (row.feature_key, row.kind, row.ordinal) == wanted_at]
    numbers = [number for row in line if (number := aside.number(row)) is not None]
    if not numbers:
        raise NotDesigned(_("No telephone number has been set aside."))
    return numbers[0].number, {"number": numbers[0].number}


_LATE: dict[str, Callable[[Service, SetAside], tuple[str, dict[str, Any]]]] = {
    "ip.assignment": _address,
    "dns.host": _host,
    "dns.ptr": _reverse,
    "access.account": _access,
    "voip.line": _number,
    "e911.record": _number,
}
