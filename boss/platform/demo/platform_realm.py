"""The realm of the people who run this installation: the back office at /admin/ sees every realm, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo.registry import Login, Progress, Seed
from boss.tenancy import selectors
from boss.tenancy.services import realms, users

EMAIL = "operator@platform.example"
PASSWORD = "platform-demo-door"  # noqa: S105 - printed by `manage.py up`: this installation is for trying out
HOST = "platform.localhost"


def minimum() -> None:
    realm = realms.create(
        key="platform", name="BOSS platform", hosts=[HOST], is_platform=True, settings={"scheme": "http"}
    )
    with scoping.realm_transaction(realm.pk, "demo"):
        actor = Actor.system(realm.pk, "Demo")
        if selectors.find_user_by_email(EMAIL) is None:
            users.create(actor=actor, email=EMAIL, full_name="Platform Operator", kind="staff", password=PASSWORD)


def rest() -> Iterator[Progress]:
    """Nothing more."""
    return iter(())


SEED = Seed(
    minimum=minimum,
    rest=rest,
    logins=(Login("platform operator", EMAIL, PASSWORD, f"http://{HOST}:{{port}}/admin/"),),
)
