"""What Tri-Lakes Cable's people can do and how much they take, and who is told of what at its desk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boss.core.actors import Actor
from boss.platform.demo.trilakes import people
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from ticketing import selectors as ticketing
from ticketing.models import Policy, Skill
from ticketing.services import policies, pools, skills
from ticketing.sla.kinds import PolicyKind
from ticketing.telling import USUAL, Audience, Channel, Event, Row


@dataclass(frozen=True, slots=True)
class Talent:
    """One person in one pool: levels by skill, languages, and how many units of work at a time."""

    person: str
    pool: str
    skills: dict[str, int] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    capacity: int = 8


SKILLS = (("coax", "Coax and amplifiers"), ("fibre", "Fibre and splicing"), ("voice", "Voice and porting"))
TALENTS = (
    Talent("alice", "csr", capacity=10),
    Talent("miguel", "csr", languages=("en", "es")),
    Talent("june", "csr", languages=("en", "ko"), capacity=6),
    Talent("frank", "field", {"coax": 4, "fibre": 2}, capacity=4),
    Talent("tessa", "field", {"fibre": 5}, capacity=4),
    Talent("gus", "field", {"coax": 3}, capacity=5),
    Talent("nate", "noc", {"voice": 2, "fibre": 2}),
    Talent("ingrid", "noc", {"voice": 4}),
    Talent("pia", "porting", {"voice": 3}, capacity=12),
)
SUPERVISORS = (("csr", "helen"), ("field", "dana"), ("noc", "nate"))
POLICY = "customer-care"
TOLD_BY_IT = ("trouble-internet", "trouble-tv", "trouble-voice")
"""Categories in which it holds."""


def arrange(actor: Actor) -> None:
    """Once: what the provider changes afterwards stays as he has made it."""
    if not Skill.objects.filter(key=SKILLS[0][0]).exists():
        _give_skills(actor)
    if not Policy.objects.filter(key=POLICY).exists():
        _decide_who_is_told(actor)


def _give_skills(actor: Actor) -> None:
    known = {key: skills.define(actor=actor, key=key, name=name) for key, name in SKILLS}
    for each in TALENTS:
        pool = ticketing.get_pool(each.pool)
        pools.change_member(
            actor=actor, pool=pool, user=_person(each.person), skills=each.skills, languages=each.languages,
            capacity=each.capacity,
        )  # fmt: skip
    for key, person in SUPERVISORS:
        pools.set_supervisors(actor=actor, pool=ticketing.get_pool(key), users=[_person(person)])
    voice, job = ticketing.find_category("trouble-voice"), ticketing.find_category("field-job")
    assert voice is not None and job is not None  # the desk was made before
    skills.ask(actor=actor, category=voice, skill=known["voice"], level=2)
    skills.ask(actor=actor, category=job, skill=known["fibre"], level=3, is_wish=True)


def _decide_who_is_told(actor: Actor) -> None:
    """As usual, and: supervisors of what nobody takes, customers of the end."""
    here, mail = (Channel.IN_APP.value,), (Channel.MAIL.value,)
    rules = replace(
        USUAL,
        rows=(
            *USUAL.rows,
            Row(Event.UNASSIGNED.value, Audience.SUPERVISORS.value, here),
            Row(Event.CLOSED.value, Audience.REQUESTER.value, mail),
        ),
        unassigned_after=15,
    )
    policy = policies.create(actor=actor, kind=PolicyKind.NOTIFICATION.value, key=POLICY, name="Customer care")
    policies.draft(actor=actor, policy=policy, rules=rules.to_json())
    policies.publish(actor=actor, policy=policy, note="Supervisors hear of what lies; customers of the end")
    policy.refresh_from_db()
    for key in TOLD_BY_IT:
        policies.use(actor=actor, policy=policy, category=ticketing.find_category(key))


def _person(name: str) -> User:
    user = tenancy.find_user_by_email(f"{name}@{people.DOMAIN}")
    assert user is not None  # the staff was made before
    return user
