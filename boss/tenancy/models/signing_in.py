"""How people sign in: their sessions, second factors and passkeys, and the attempts that count against a limit."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped, ScopedManager
from boss.tenancy.models.people import User


class Session(RealmScoped, AbstractBaseSession):
    """A browser's session, inside its realm's wall. Of whom it is and from where stands in columns, for the list.

    ``public_id`` names it on pages: the key itself is what lets in and is shown to nobody. ``rotate`` asks for another
    key with the next visit, because the person's rights have changed.
    """

    realm_only = "looked up by the secret in its holder's cookie"

    public_id = models.CharField(max_length=12, blank=True, default="", editable=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    since = models.DateTimeField(_("since"), null=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True)
    address = models.CharField(_("address"), max_length=45, blank=True, default="")
    agent = models.CharField(_("browser"), max_length=300, blank=True, default="")
    rotate = models.BooleanField(default=False)

    objects: ClassVar[ScopedManager] = ScopedManager()

    class Meta(RealmScoped.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")


class SignInFailure(RealmScoped):
    """An attempt that counts against a limit: a refused password or code, or a link that was asked for.

    Counted in Postgres so that an emptied cache does not open the gate. ``device`` is set when the browser had signed
    in to this account before: it is counted apart, so that strangers cannot lock the owner out.
    """

    class Purpose(models.TextChoices):
        PASSWORD = "password", _("Password")
        FACTOR = "factor", _("Second step")
        LINK = "link", _("Link asked for")

    realm_only = "counted before anybody has signed in"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.PASSWORD)
    account_norm = models.CharField(max_length=254, db_collation="C")
    address = models.CharField(max_length=45)
    network = models.CharField(max_length=49, blank=True, default="", help_text=_("/24 or /64"))
    device = models.CharField(max_length=32, blank=True, default="")
    at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("sign-in failure")
        verbose_name_plural = _("sign-in failures")
        indexes = [
            models.Index(fields=["realm_id", "account_norm", "at"], name="tenancy_failures_recent"),
            models.Index(fields=["realm_id", "network", "at"], name="tenancy_failures_network"),
        ]


class Totp(RealmScoped):
    """A person's authenticator app (RFC 6238). The secret is sealed for this person alone.

    ``last_step`` is the time step of the last code taken: that code and every earlier one is refused from then on.
    """

    realm_only = "asked for by the person's own sign-in alone"

    user = models.OneToOneField(User, models.CASCADE, related_name="totp")
    secret_sealed = models.CharField(max_length=200, editable=False)
    confirmed_at = models.DateTimeField(_("set up"), null=True)
    last_step = models.BigIntegerField(default=0)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return str(_("Authenticator app"))


class RecoveryCode(RealmScoped):
    """One of ten codes for the day the phone is gone. 80 random bits, so a quick hash is enough; each works once."""

    realm_only = "asked for by the person's own sign-in alone"

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = [models.UniqueConstraint(fields=["realm_id", "user", "code_hash"], name="tenancy_recovery_code")]


class Passkey(Addressable):
    """A WebAuthn credential of a person. ``rp_id`` is the host name it was made for and works on, now and later."""

    realm_only = "asked for by the person's own sign-in alone"

    user = models.ForeignKey(User, models.CASCADE, related_name="passkeys")
    name = models.CharField(_("name"), max_length=60)
    rp_id = models.CharField(max_length=253)
    credential_id = models.CharField(max_length=1400, editable=False, help_text="base64url")
    credential = models.BinaryField(editable=False, help_text="Attested credential data: id and public key")
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta(Addressable.Meta):
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "credential_id"], name="tenancy_passkey_once"),
            models.CheckConstraint(condition=~Q(name=""), name="tenancy_passkey_named"),
        ]

    def __str__(self) -> str:
        return self.name


class SignInProvider(Addressable):
    """Somebody else's sign-in that the realm's staff may use: an OpenID provider (OpenID Connect Core 1.0)."""

    realm_only = "how staff signs in is the provider's to arrange"

    name = models.CharField(_("name"), max_length=60, help_text=_("Stands on the button: “Staff: sign in with …”."))
    issuer = models.URLField(_("issuer"), max_length=300)
    client_id = models.CharField(_("client ID"), max_length=255)
    client_secret_sealed = models.CharField(max_length=1000, editable=False, blank=True, default="")
    links_by_email = models.BooleanField(_("known by e-mail address the first time"), default=False)
    counts_as_second = models.BooleanField(_("asks for a second step itself"), default=False)
    only_way = models.BooleanField(_("the only way in for whoever is connected"), default=False)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta(Addressable.Meta):
        verbose_name = _("sign-in provider")
        verbose_name_plural = _("sign-in providers")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "issuer", "client_id"], name="tenancy_provider_once"),
        ]

    def __str__(self) -> str:
        return self.name


class SignInIdentity(RealmScoped):
    """A person's account at a provider. ``subject`` is the provider's own, lasting name for him; never the e-mail."""

    realm_only = "asked for by the person's own sign-in alone"

    provider = models.ForeignKey(SignInProvider, models.CASCADE, related_name="identities")
    user = models.ForeignKey(User, models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255, db_collation="C", editable=False)
    email = models.CharField(_("e-mail there"), max_length=254, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("connected account")
        verbose_name_plural = _("connected accounts")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "provider", "subject"], name="tenancy_identity_subject"),
            models.UniqueConstraint(fields=["realm_id", "provider", "user"], name="tenancy_identity_user"),
        ]

    def __str__(self) -> str:
        return self.email or self.subject
