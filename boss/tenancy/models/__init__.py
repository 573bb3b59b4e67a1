"""The ground every row stands on: realms, organizations, sites, people, roles, brands, keys."""

from boss.tenancy.models.access import ActingSession, ApiKey, Role, RoleGrant
from boss.tenancy.models.calendars import Calendar
from boss.tenancy.models.people import User
from boss.tenancy.models.places import Organization, Site
from boss.tenancy.models.realms import Brand, Realm, RealmHost
from boss.tenancy.models.signing_in import (
    Passkey,
    RecoveryCode,
    Session,
    SignInFailure,
    SignInIdentity,
    SignInProvider,
    Totp,
)

__all__ = [
    "ActingSession",
    "ApiKey",
    "Brand",
    "Calendar",
    "Organization",
    "Passkey",
    "Realm",
    "RealmHost",
    "RecoveryCode",
    "Role",
    "RoleGrant",
    "Session",
    "SignInFailure",
    "SignInIdentity",
    "SignInProvider",
    "Site",
    "Totp",
    "User",
]
