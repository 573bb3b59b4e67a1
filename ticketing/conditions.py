"""What rows of promised times may ask of a ticket that the desk itself knows: whose it is, and where."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.utils.translation import gettext_lazy as _

from boss.tenancy.models import Organization, Site
from ticketing.contracts import ConditionKind, Text
from ticketing.models import Ticket

MOST_LISTED = 200


def _organizations() -> Sequence[tuple[str, Text]]:
    return list(Organization.objects.order_by("name").values_list("public_id", "name")[:MOST_LISTED])


def _existing_organizations(keys: Collection[str]) -> Collection[str]:
    return set(Organization.objects.filter(public_id__in=list(keys)).values_list("public_id", flat=True))


def _organizations_of(tickets: Sequence[Ticket], accounts: Sequence[Collection[int]]) -> Sequence[frozenset[str]]:
    """The ticket's own organization, else its requester's."""
    ids = [each.organization_id or (each.requester.organization_id if each.requester else None) for each in tickets]
    names = dict(Organization.objects.filter(pk__in=[one for one in ids if one]).values_list("pk", "public_id"))
    return [frozenset({names[one]} if one in names else ()) for one in ids]


def _no_choices() -> Sequence[tuple[str, Text]]:
    return ()


def _existing_sites(keys: Collection[str]) -> Collection[str]:
    return set(Site.objects.filter(public_id__in=list(keys)).values_list("public_id", flat=True))


def _sites_of(tickets: Sequence[Ticket], accounts: Sequence[Collection[int]]) -> Sequence[frozenset[str]]:
    ids = [each.site_id for each in tickets]
    names = dict(Site.objects.filter(pk__in=[one for one in ids if one]).values_list("pk", "public_id"))
    return [frozenset({names[one]} if one in names else ()) for one in ids]


KINDS = (
    ConditionKind("organizations", _("Organizations"), _organizations, _existing_organizations, _organizations_of),
    ConditionKind("sites", _("Sites"), _no_choices, _existing_sites, _sites_of),
)
