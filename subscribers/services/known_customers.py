"""Somebody orders as a stranger with a customer's address: the customer hears how to go on, the stranger nothing."""

from __future__ import annotations

from urllib.parse import urlencode

from boss.core import clock
from boss.core.actors import Actor
from boss.core.services import service
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy import selectors as tenancy
from subscribers.models import Account

_MINUTES_BETWEEN_MAILS = 10


@service
def tell(*, actor: Actor, email: str, plan: str, path: str) -> None:
    """Mail the owner of the address: sign in and go on at ``path``. One mail in ten minutes, however often it is asked.

    The name is the one we know, not the one the stranger typed: nobody sends words of his through us. Asks no
    permission: a visitor calls it, who learns nothing by it.
    """
    user = tenancy.find_user_by_email(email)
    account: Account | None = Account.objects.filter(email_key=email.strip().lower()).order_by("id").first()
    if user is not None:
        to, name = (user.email, user.full_name), user.get_short_name()
    elif account is not None:
        to, name = (account.email, account.name), account.name
    else:
        return
    slot = int(clock.now().timestamp() // (_MINUTES_BETWEEN_MAILS * 60))
    home = home_of(actor.realm_id)
    messages.send(
        actor=Actor.system(actor.realm_id, "Sign-up"),
        template="order_known",
        to=[to],
        context={
            "name": name,
            "plan": plan,
            "signs_in": user is not None,
            "login": f"{home}login/?{urlencode({'next': path})}",
        },
        key=f"order_known:{to[0].lower()}:{slot}",
    )
