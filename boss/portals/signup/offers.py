"""What a visitor can be offered: addresses, plans with their prices, the running total of a draft.

Every figure comes from ``catalog.pricing.quote``; this module only puts it into the shape of a page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from boss.core import schema
from boss.core.actors import Actor
from boss.core.problems import NotFound, Problem
from boss.look.plan_form import OptionsForm
from boss.portals.signup.drafts import Draft
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from catalog import pricing
from catalog import selectors as catalog
from catalog.choices import PriceKind
from catalog.models import PlanVersion
from catalog.pricing import OptionChoice, Quote


@dataclass(frozen=True, slots=True)
class Total:
    """A quote as the pages show it. ``first_month`` is everything asked for in the first month."""

    title: str
    quote: Quote

    @property
    def currency(self) -> str:
        return self.quote.currency

    @property
    def monthly(self) -> Decimal:
        return self.quote.monthly

    @property
    def first_month(self) -> Decimal:
        return self.quote.monthly + self.quote.once

    @property
    def recurring(self) -> tuple[pricing.QuoteLine, ...]:
        return self.quote.of_kind(PriceKind.RECURRING)

    @property
    def one_time(self) -> tuple[pricing.QuoteLine, ...]:
        return self.quote.of_kind(PriceKind.ONE_TIME)

    @property
    def usage(self) -> tuple[pricing.QuoteLine, ...]:
        return self.quote.of_kind(PriceKind.USAGE)

    @property
    def fingerprint(self) -> str:
        """Changes when any line does: what was agreed to is what was read."""
        lines = [(line.code, line.label, line.quantity, str(line.total), str(line.amount)) for line in self.quote.lines]
        return hashlib.sha256(repr((self.currency, lines)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Card:
    """One plan among others."""

    key: str
    title: str
    summary: str
    category: str
    total: Total
    contents: list[str]
    term: str
    has_alternatives: bool  # the price shown is that of the cheapest ones


@dataclass(frozen=True, slots=True)
class Offer:
    """One plan version with its form and its price."""

    version: PlanVersion

    @property
    def key(self) -> str:
        return str(self.version.plan.key)

    @property
    def title(self) -> str:
        return str(self.version.title)

    @property
    def term(self) -> str:
        return _term(self.version)

    def form(self, data: Any, draft: Draft) -> OptionsForm:
        return OptionsForm(
            data,
            version=self.version,
            quantities=draft.options,
            chosen=draft.chosen,
            typed=draft.typed.get("options", {}),
        )

    def total(self, quantities: dict[str, int]) -> Total:
        return _total(self.version, quantities)


def shopper(request: HttpRequest) -> Actor:
    """Who looks round the shop. A customer sees what every visitor sees, not only the address he has already."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor if actor.holds("core.use_console") else tenancy.visitor(actor.realm_id, actor.request_id)


def find_site(request: HttpRequest, public_id: str) -> Site | None:
    if not public_id:
        return None
    try:
        return tenancy.get_site(shopper(request), public_id)
    except NotFound:
        return None


def spellings(site: Site) -> set[str]:
    """The ways an address is written that leave no doubt: with or without town, region and postal code."""
    street = (site.street, f"#{site.unit.removeprefix('#')}" if site.unit else "")
    return {
        tenancy.normalise_address(*street),
        tenancy.normalise_address(*street, site.city),
        tenancy.normalise_address(*street, site.city, site.region),
        tenancy.normalise_address(*street, site.city, site.postal_code),
        tenancy.normalise_address(*street, site.city, site.region, site.postal_code),
    }


def is_served(request: HttpRequest, site: Site) -> bool:
    """The site is marked serviceable and at least one plan is sold there."""
    return site.serviceable and bool(catalog.list_plans_on_sale(shopper(request), site))


def list_cards(request: HttpRequest, site: Site) -> list[Card]:
    """The plans sold at ``site`` in the order of the catalog, each priced without extras."""
    if not site.serviceable:
        return []
    return [_card(version) for version in catalog.list_plans_on_sale(shopper(request), site)]


def find_offer(request: HttpRequest, draft: Draft) -> Offer | None:
    """The plan of the draft, if it is (still) sold at its address."""
    site = find_site(request, draft.site)
    if site is None or not draft.plan:
        return None
    try:
        version = catalog.get_plan_on_sale(shopper(request), draft.plan)
    except Problem:
        return None
    return Offer(version) if site.serviceable and catalog.is_sold_at(version, site) else None


def find_total(request: HttpRequest, draft: Draft) -> Total | None:
    """What the draft costs so far; None before a plan is chosen."""
    offer = find_offer(request, draft)
    if offer is None:
        return None
    return offer.total(draft.options if draft.options_done else least(offer.version))


def least(version: PlanVersion) -> dict[str, int]:
    """The smallest set of options the plan can be had with: what must be taken, the cheapest of alternatives."""
    quantities = {option.key: option.minimum for option in version.options.all() if option.minimum}
    groups: dict[str, list[str]] = {}
    for option in version.options.all():
        if option.choice_group:
            groups.setdefault(option.choice_group, []).append(option.key)
    for members in groups.values():
        quantities[min(members, key=lambda key: _total(version, {key: 1}).first_month)] = 1
    return quantities


def _total(version: PlanVersion, quantities: dict[str, int]) -> Total:
    choices = [OptionChoice(key, count) for key, count in quantities.items()]
    return Total(version.title, pricing.quote(version, choices))


def _card(version: PlanVersion) -> Card:
    return Card(
        key=version.plan.key,
        title=version.title,
        summary=version.plan.summary,
        category=version.plan.category,
        total=_total(version, least(version)),
        contents=[_sentence(row) for row in version.features.all()],
        term=_term(version),
        has_alternatives=len({option.key for option in version.options.all() if option.choice_group})
        > len({option.choice_group for option in version.options.all() if option.choice_group}),
    )


def _sentence(row: Any) -> str:
    """A feature of a plan in one line: its name, how many, and the values that are fixed."""
    facts = []
    for item in schema.for_customers(row.feature.schema):
        value = row.fixed.get(item.key)
        # Nought stands for "no limit" or "none" and says nothing in a list of what one gets.
        if not value or isinstance(value, bool | dict | list):
            continue
        shown = number_format(value, use_l10n=True, force_grouping=True) if isinstance(value, int | float) else value
        facts.append(f"{item.title} {dict(item.choices).get(str(value), shown)} {item.unit}".strip())
    name = f"{row.quantity} × {row.feature.title}" if row.quantity > 1 else str(row.feature.title)
    return f"{name} ({', '.join(facts)})" if facts else name


def _term(version: PlanVersion) -> str:
    if not version.term_months:
        return _("No contract: leave any month.")
    months = ngettext("%(n)d month", "%(n)d months", version.term_months) % {"n": version.term_months}
    return _("Contract of %(months)s.") % {"months": months}
