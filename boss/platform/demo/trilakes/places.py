"""Where Tri-Lakes Cable has cable in the ground: towns, streets, nodes, and the organizations along them."""

from __future__ import annotations

from collections.abc import Iterator

from boss.platform.demo.shapes import Place

ORGANIZATIONS = (
    ("Lakeview School District", "corporate"),
    ("Bayfront Bank", "corporate"),
    ("Harbor Medical", "corporate"),
    ("Pinecrest Apartments", "property_owner"),
    ("RegionalVoice", "partner"),
)


_TOWNS = (("Lakeview", "60901"), ("Pine Harbor", "60902"), ("Bayfront", "60903"))
_STREETS = (
    "Harbor Road", "Mill Street", "Birch Lane", "Station Avenue", "Orchard Drive", "Quarry Road", "Chapel Street",
    "Meadow Lane", "Foundry Street", "Juniper Court",
)  # fmt: skip

FREE = tuple(
    Place(f"{number} Elm Street", "Lakeview", "60901", technology="hfc", access_node="node-04")
    for number in range(2, 42, 2)
) + tuple(
    Place(f"{number} Shoreline Drive", "Bayfront", "60903", technology="fibre", access_node="olt-1")
    for number in range(1, 9)
)
"""Nobody lives here yet: addresses for signing up."""


def occupied() -> Iterator[Place]:
    """400 addresses for 400 accounts: organizations first, then flats, then houses."""
    for site in range(9):
        yield Place(f"{100 + site} School Road", "Lakeview", "60901", "", "Lakeview School District", "fibre", "olt-1")
    for site in range(6):
        yield Place(f"{10 + site} Bank Plaza", "Bayfront", "60903", "", "Bayfront Bank", "fibre", "olt-2")
    for site in range(3):
        yield Place(f"{5 + site} Clinic Way", "Pine Harbor", "60902", "", "Harbor Medical", "fibre", "olt-2")
    for flat in range(82):
        unit = f"{flat // 14 + 1}{flat % 14 + 1:02d}"
        yield Place("700 Pinecrest Avenue", "Lakeview", "60901", unit, "Pinecrest Apartments", "hfc", "node-17")
    for house in range(300):
        city, postal_code = _TOWNS[house % 3]
        street = _STREETS[(house // 3) % len(_STREETS)]
        node = f"node-{house % 61 + 1:02d}"
        yield Place(f"{2 * (house // 30) + 11} {street}", city, postal_code, technology="hfc", access_node=node)
