"""Rule E7, the "ticket trick": who signs in with an address of the desk could read what is sent to prove who he is."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.tenancy.addresses import AddressRule
from ticketing.models import Mailbox


def refuses(email: str) -> str:
    """Whether it lies on a domain that the desk has a mailbox on, in use or not."""
    domain = email.rpartition("@")[2]
    if not domain or not Mailbox.objects.filter(address__endswith=f"@{domain}").exists():
        return ""
    return _("This address belongs to us. Please give one of your own.")


SUPPORT_DOMAINS = AddressRule("ticketing.support_domains", refuses)
