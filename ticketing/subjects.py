"""Places as something tickets are about. Accounts, services and runs are offered by their own rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.tenancy.models import Site
from boss.tenancy.selectors import normalise_address
from ticketing.contracts import LiveCard, SubjectCard, SubjectKind

MOST_FOUND = 12


def describe_site(site_id: int) -> SubjectCard:
    site: Site | None = Site.objects.filter(pk=site_id).first()
    return SubjectCard(site.label) if site is not None else SubjectCard(_("A site that is gone"))


def live_sites(actor: Actor, site_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    rows = Site.objects.visible_to(actor).filter(pk__in=site_ids).select_related("organization")
    return {site.pk: _card(site) for site in rows}


def search_sites(actor: Actor, text: str) -> Sequence[LiveCard]:
    """By the beginning of the address, which an index serves."""
    rows = Site.objects.visible_to(actor).filter(address_norm__startswith=normalise_address(text))
    return [_card(site) for site in rows.select_related("organization").order_by("address_norm")[:MOST_FOUND]]


def identify_site(actor: Actor, public_id: str) -> int | None:
    found: int | None = Site.objects.visible_to(actor).filter(public_id=public_id).values_list("pk", flat=True).first()
    return found


def _card(site: Site) -> LiveCard:
    owner = (site.organization.name,) if site.organization else ()
    return LiveCard(site.public_id, site.label, lines=owner)


SITE = SubjectKind(
    key="tenancy.site",
    title=gettext_lazy("Site"),
    describe=describe_site,
    live=live_sites,
    search=search_sites,
    identify=identify_site,
)
