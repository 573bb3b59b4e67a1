"""What a ticket's panel says of a service: what is wanted, and what its server was last seen to do."""

from __future__ import annotations

import datetime as dt

from boss.core import clock
from ipservices import live
from ipservices.choices import RestrictionLevel, ServiceState
from ipservices.models import Service
from tests.cast import actor_of, make_user


def made(network, **values) -> Service:
    subscription = network.subscription
    return Service.objects.create(
        account=subscription.account, subscription=subscription, site=subscription.site, feature_key="mail.mailbox",
        title="Mailbox", family="mail", kind="mailbox", **values,
    )  # fmt: skip


def test_a_service_says_whether_it_works_as_wanted(network, in_alpha, cast):
    bob = actor_of(cast.bob)
    with in_alpha():
        seen = clock.now() - dt.timedelta(minutes=5)
        service = made(network, name="m@x.example", state=ServiceState.ACTIVE, observed_at=seen, applied_revision=1)

        def told():
            card = live.services(bob, [service.pk])[service.pk]
            return str(card.state), card.tone, card.lines

        assert told() == ("Active", "ok", ("seen 5\xa0minutes ago",))
        Service.objects.update(drift=[{"field": "quota"}], applied_revision=0, switched_off=["mailbox"])
        state, tone, lines = told()
        assert (state, tone) == ("Active", "bad") and len(lines) == 4
        Service.objects.update(drift=[], restriction=RestrictionLevel.WALLED)
        assert told()[:2] == ("Walled garden", "wait")


def test_a_service_is_found_by_its_account_and_shown_to_who_may_see_it(network, in_alpha, cast):
    bob = actor_of(cast.bob)
    dana = actor_of(make_user(cast.alpha, "dana@home.example", "Dana", "subscriber", kind="subscriber", own=True))
    with in_alpha():
        service = made(network, name="m@x.example", state=ServiceState.ACTIVE)
        number = service.account.number
        assert [card.public_id for card in live.found_services(bob, number)] == [service.public_id]
        assert live.identify_service(bob, service.public_id) == service.pk
        for actor in (dana, actor_of(cast.charlie)):
            assert live.services(actor, [service.pk]) == {} and live.found_services(actor, number) == []
            assert live.identify_service(actor, service.public_id) is None
