"""The provider says how much of a mail he takes in, within the house's own limits."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Realm
from ticketing.mail_limits import KEY, LEAST, MOST, USUAL, MailLimits

MANAGE = "ticketing.manage_mailboxes"


@service
def set_limits(*, actor: Actor, wanted: MailLimits) -> MailLimits:
    """Set them all. They hold from the next mail on; what came before is as it was. Raises :class:`InvalidInput` with
    the name of each number beyond the house's own limits."""
    realm: Realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, MANAGE)

    least, most, after = LEAST.to_json(), MOST.to_json(), wanted.to_json()
    wrong = {
        name: [_("Choose between %(least)s and %(most)s.") % {"least": least[name], "most": most[name]}]
        for name, value in after.items()
        if not least[name] <= value <= most[name]
    }
    if not wrong and wanted.attachment_mib > wanted.raw_mib:
        wrong = {"attachment_mib": [_("No more than a whole mail may have.")]}
    if wrong:
        raise InvalidInput(fields=wrong)

    before = realm.settings.get(KEY, USUAL.to_json())
    if before == after:
        return wanted
    realm.settings = realm.settings | {KEY: after}
    realm.save(update_fields=["settings"])
    tenancy.forget_cached()

    audit.record(actor=actor, action="realm.mail_limits_changed", subject=realm, before=before, after=after)
    return wanted
