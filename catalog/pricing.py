"""What a plan costs with chosen options. Pure: no clock, no settings, no query beyond the version's own prefetches.

Money is ``Decimal`` in the version's currency. Every line is rounded half-up to the currency's cents before it is
added, so the total on the page is the sum of the lines a person can add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from catalog.choices import PriceKind
from catalog.models import PlanVersion

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class OptionChoice:
    """``quantity`` of the option ``key``."""

    key: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Price:
    """One price of a sheet; ``option`` is the option's key, or empty for the plan's own price."""

    code: str
    kind: str
    label: str
    amount: Decimal
    option: str = ""
    unit: str = ""
    unit_size: int = 1
    included: int = 0


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """Everything needed to quote one plan version."""

    currency: str
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """``code`` is stable within a version (``plan:0``, ``set-top:1``); ``total`` is ``amount`` × ``quantity``."""

    code: str
    kind: str
    label: str
    quantity: int
    amount: Decimal
    total: Decimal
    unit: str = ""
    unit_size: int = 1
    included: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """``monthly`` and ``once`` are the sums of the lines of their kind; usage lines are announced, not added."""

    currency: str
    lines: tuple[QuoteLine, ...]
    monthly: Decimal
    once: Decimal

    def of_kind(self, kind: str) -> tuple[QuoteLine, ...]:
        return tuple(line for line in self.lines if line.kind == kind)


def sheet(plan_version: PlanVersion) -> PriceSheet:
    """The version's prices as values. Reads ``prices`` and their ``option`` (prefetched by the selectors)."""
    seen: dict[str, int] = {}
    prices = []
    for price in plan_version.prices.all():
        owner = price.option.key if price.option is not None else ""
        position = seen.get(owner, 0)
        seen[owner] = position + 1
        prices.append(
            Price(
                code=f"{owner or 'plan'}:{position}",
                kind=price.kind,
                label=price.label,
                amount=price.amount,
                option=owner,
                unit=price.unit,
                unit_size=price.unit_size,
                included=price.included,
            )
        )
    return PriceSheet(currency=plan_version.currency, prices=tuple(prices))


def quote_sheet(prices: PriceSheet, quantities: Mapping[str, int]) -> Quote:
    """Quote a sheet for ``quantities`` (option key → how many). Options of quantity 0 or without price add nothing."""
    lines = []
    for price in prices.prices:
        quantity = 1 if not price.option else quantities.get(price.option, 0)
        if quantity <= 0:
            continue
        amount = price.amount.quantize(CENT, ROUND_HALF_UP)
        total = amount * quantity if price.kind != PriceKind.USAGE else Decimal("0.00")
        lines.append(
            QuoteLine(
                price.code,
                price.kind,
                price.label,
                quantity,
                amount,
                total,
                price.unit,
                price.unit_size,
                price.included,
            )
        )
    return Quote(
        currency=prices.currency,
        lines=tuple(lines),
        monthly=_sum(line.total for line in lines if line.kind == PriceKind.RECURRING),
        once=_sum(line.total for line in lines if line.kind == PriceKind.ONE_TIME),
    )


def quote(plan_version: PlanVersion, options: Sequence[OptionChoice] = ()) -> Quote:
    """The price of ``plan_version`` with ``options``. Says nothing about whether the choice is allowed.

    That is :func:`catalog.configuration.configure`'s question; unknown options simply cost nothing here.
    """
    quantities: dict[str, int] = {}
    for option in options:
        quantities[option.key] = quantities.get(option.key, 0) + option.quantity
    return quote_sheet(sheet(plan_version), quantities)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))
