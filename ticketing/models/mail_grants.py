"""The right to read a mailbox by OAuth 2: where it is got, and the tokens that came of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ticketing.choices import GrantState, GrantWay
from ticketing.models.mail import MailSource


class MailGrant(RealmScoped):
    """BOSS as a client of the authorization server that guards one mailbox.

    What is sealed is bound to the mail server, the user there and the token endpoint: it is of no use for others, also
    to whoever changes the row. ``access_ends_at`` is when the access token ends; ``asking_until`` is set while one
    process asks for a new one, because a refresh token may be good for one use. ``lost_at``: the server took the
    refresh token no more.
    """

    realm_only = "how the provider arranges its mail"

    source = models.OneToOneField(MailSource, models.CASCADE, related_name="grant")
    way = models.CharField(_("how BOSS signs in"), max_length=8, choices=GrantWay.choices, default=GrantWay.PERSON)
    authorization_endpoint = models.CharField(_("authorization address"), max_length=500, blank=True, default="")
    token_endpoint = models.CharField(_("token address"), max_length=500)
    scope = models.CharField(_("scope"), max_length=500, blank=True, default="")
    client_id = models.CharField(_("client ID"), max_length=255)
    secret_in_body = models.BooleanField(_("sends its secret in the body"), default=True)

    client_secret_sealed = models.TextField(editable=False, default="")
    refresh_token_sealed = models.TextField(editable=False, default="")
    access_token_sealed = models.TextField(editable=False, default="")
    access_ends_at = models.DateTimeField(null=True, blank=True, editable=False)
    asking_until = models.DateTimeField(null=True, blank=True, editable=False)

    granted_at = models.DateTimeField(_("signed in"), null=True, blank=True, editable=False)
    granted_by = models.CharField(_("signed in by"), max_length=200, blank=True, default="", editable=False)
    lost_at = models.DateTimeField(_("lost"), null=True, blank=True, editable=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("right to read a mailbox")
        verbose_name_plural = _("rights to read mailboxes")

    def __str__(self) -> str:
        return f"{self.client_id}, {self.token_endpoint}"

    @property
    def by_person(self) -> bool:
        return self.way == GrantWay.PERSON

    @property
    def state(self) -> GrantState:
        if self.lost_at is not None:
            return GrantState.LOST
        held = self.refresh_token_sealed if self.by_person else self.client_secret_sealed
        return GrantState.HELD if held else GrantState.MISSING
