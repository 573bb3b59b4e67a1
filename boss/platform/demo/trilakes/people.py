"""Who works at Tri-Lakes Cable, and who subscribes."""

from __future__ import annotations

from boss.platform.demo.shapes import Person

PASSWORD = "three-lakes-demo"  # noqa: S105 - printed by `manage.py up`: this realm is for trying out
DOMAIN = "trilakes.example"


STAFF = (
    Person("Rosa Delgado", "realm_admin", ("manager",), "realm administrator"),
    Person("Alice Novak", "csr", ("csr",), "customer service"),
    Person("Miguel Torres", "csr", ("csr",)),
    Person("June Park", "csr", ("csr",)),
    Person("Dana Whitfield", "dispatcher", ("dispatch",), "dispatch"),
    Person("Owen Bright", "dispatcher", ("dispatch",)),
    Person("Frank Ibarra", "field_technician", ("field",), "field technician"),
    Person("Tessa Lund", "field_technician", ("field",)),
    Person("Gus Hollander", "field_technician", ("field",)),
    Person("Nate Okafor", "noc", ("noc",), "network operations"),
    Person("Ingrid Solberg", "noc", ("noc",)),
    Person("Bea Fontaine", "billing", ("billing",), "billing"),
    Person("Pia Marchetti", "porting", ("porting",), "number porting"),
    Person("Helen Strand", "manager", ("manager",), "manager"),
    Person("Carla Voss", "catalog_manager", (), "catalog"),
    Person("Artur Klein", "auditor", (), "auditor"),
)

SUBSCRIBERS = (
    "Maria Ortiz", "Walter Gruen", "Lucille Hayes", "Tomas Rivera", "Edna Fairchild", "Samir Haddad",
    "Grace Lindqvist", "Henry Osei", "Lourdes Vega", "Patrick Doyle", "Yuki Tanaka", "Beatrice Romano",
    "Clarence Webb", "Nadia Petrova", "Oscar Mendez", "Ruth Ackerman", "Dwayne Collins", "Ingeborg Dahl",
    "Ravi Menon", "Stella Kowalski", "Jerome Banks", "Amara Nwosu", "Leo Castellano", "Hazel Quinn",
)  # fmt: skip
_GIVEN = tuple(name.split()[0] for name in SUBSCRIBERS)
_FAMILY = (
    *(name.split()[1] for name in SUBSCRIBERS),
    "Abbott", "Barnes", "Cho", "Diaz", "Ellison", "Foster", "Garza", "Hughes", "Iverson", "Jansen", "Keller",
    "Lopez", "Mayer", "Nolan", "Ortega", "Pruitt", "Reyes", "Schultz", "Turner", "Underwood", "Vargas",
    "Weston", "Young", "Zuniga", "Ashby", "Bloom", "Crane",
)  # fmt: skip


def subscriber(index: int) -> tuple[str, str, str]:
    """Name, e-mail and phone of the ``index``-th subscriber; the same ones on every start."""
    if index < len(SUBSCRIBERS):
        name = SUBSCRIBERS[index]
    else:
        name = f"{_GIVEN[index % len(_GIVEN)]} {_FAMILY[(index // len(_GIVEN) * 5 + index * 2) % len(_FAMILY)]}"
    given, family = name.lower().split()
    return name, f"{given}.{family}{index}@mail.example", f"+1 555 555 {100 + index % 100:04d}"
