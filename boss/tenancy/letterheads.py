"""A realm's brand as the head of its papers."""

from __future__ import annotations

from boss.core.pdf.document import Letterhead
from boss.tenancy.selectors import get_brand


def letterhead_of(realm_id: int) -> Letterhead:
    """Name, colour, logo and tagline as they are now."""
    brand = get_brand(realm_id)
    return Letterhead(brand.name, brand.colour, bytes(brand.logo or b""), brand.tagline)
