"""Second factors: an authenticator app (TOTP, RFC 6238) and ten recovery codes. Passkeys have their own module."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import pyotp

from boss.core import audit, clock, crypto, events
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.services import service
from boss.tenancy import selectors
from boss.tenancy.errors import NotYourself, WrongCode
from boss.tenancy.events import SignInChanged
from boss.tenancy.models import Passkey, RecoveryCode, Totp, User
from boss.tenancy.reach import require_not_above
from boss.tenancy.services import sessions

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""A phone's clock may be half a minute off either way."""
RECOVERY_CODES = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What an authenticator app needs: ``uri`` for the QR code, ``secret`` for typing (base 32)."""

    uri: str
    secret: str


def has_second(user: User) -> bool:
    """Whether the person has something to prove beyond the password."""
    confirmed = Totp.objects.filter(user=user, confirmed_at__isnull=False)
    return bool(confirmed.exists() or Passkey.objects.filter(user=user).exists())


@service
def begin_totp(*, actor: Actor, user: User) -> Provisioning:
    """A new secret for the person's app, not in force until :func:`confirm_totp`. Asked again, the same one."""
    _own(actor, user)

    row: Totp | None = Totp.objects.select_for_update().filter(user=user).first()
    if row is not None and row.confirmed_at is not None:
        raise PermissionDenied  # remove the old one first: that asks for proof and tells the owner

    if row is None:
        row = Totp.objects.create(user=user, secret_sealed=_seal(user, pyotp.random_base32()))

    secret = _open(row)
    issuer = selectors.get_brand(user.realm_id).name
    return Provisioning(pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer), secret)


@service
def confirm_totp(*, actor: Actor, user: User, code: str) -> list[str]:
    """The app shows the right code: from now on it is asked for. Raises :class:`WrongCode` with field ``code``.

    The person's recovery codes when he had no second factor before, else none: they are shown once.
    """
    _own(actor, user)
    row: Totp | None = Totp.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    step = _matching_step(row, code) if row is not None else None
    if row is None or step is None:
        raise WrongCode(fields={"code": [str(WrongCode.title)]})

    row.confirmed_at = row.last_used_at = clock.now()
    row.last_step = step
    row.save(update_fields=["confirmed_at", "last_used_at", "last_step"])
    codes = first_codes(user)

    tell(actor, user, "totp_added", subject=row)
    return codes


@service
def remove_totp(*, actor: Actor, user: User) -> None:
    """Take the app away; with the last second factor go the recovery codes. Whoever calls has asked for proof."""
    _own(actor, user)
    row: Totp | None = Totp.objects.select_for_update().filter(user=user).first()
    if row is None:
        return

    confirmed = row.confirmed_at is not None
    if confirmed:
        tell(actor, user, "totp_removed", subject=row)
    row.delete()
    forget_codes_without_factor(user)


@service
def renew_recovery_codes(*, actor: Actor, user: User) -> list[str]:
    """Ten new recovery codes; the old ones end. For people with a second factor."""
    _own(actor, user)
    if not has_second(user):
        raise PermissionDenied

    codes = _new_codes(user)

    tell(actor, user, "recovery_codes_renewed", subject=user)
    return codes


@service
def reset(*, actor: Actor, user: User) -> None:
    """Phone and codes are lost: somebody who may change the person takes all second factors away.

    Who he is has been made sure of otherwise. His sessions end; he is told by mail. Nobody does it to somebody who
    holds more than himself (:class:`HoldsMore`): it would be a step towards signing in as him; nor to himself
    (:class:`NotYourself`): his own he takes away one by one. Of somebody who has none nothing is done.
    """
    require(actor, "tenancy.change_user", user)
    require_not_above(actor, user)
    if actor.user_id == user.pk:
        raise NotYourself

    if not has_second(user):
        return
    Totp.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    sessions.end_with(user)

    tell(actor, user, "factors_reset", subject=user)


def check_code(user: User, typed: str) -> str:
    """Take a code of the app or a recovery code: "totp", "recovery", or "" when it is neither or was used before.

    Not a service: a refused code is counted by whoever asks, and that count must stay.
    """
    digits = re.sub(r"\s", "", typed)
    if re.fullmatch(r"\d{6}", digits):
        return "totp" if _take_totp(user, digits) else ""
    return "recovery" if _take_recovery(user, typed) else ""


def codes_left(user: User) -> int:
    return int(RecoveryCode.objects.filter(user=user, used_at=None).count())


def first_codes(user: User) -> list[str]:
    """Recovery codes for somebody who has none in force yet; else nothing."""
    return [] if RecoveryCode.objects.filter(user=user).exists() else _new_codes(user)


def forget_codes_without_factor(user: User) -> None:
    """Recovery codes stand in for a second factor; without one they would be the only one."""
    if not has_second(user):
        RecoveryCode.objects.filter(user=user).delete()


def tell(actor: Actor, user: User, what: str, *, subject: User | Totp | Passkey) -> None:
    """The audit row and the mail about a change of somebody's way in."""
    about = user if isinstance(subject, Totp) else subject
    audit.record(actor=actor, action=f"sign_in.{what}", subject=about, after={"person": user.public_id})
    events.publish(SignInChanged(user_id=user.pk, what=what, number=secrets.token_hex(8)))


def _own(actor: Actor, user: User) -> None:
    """Factors are one's own: nobody sets them up for another."""
    if actor.kind != "user" or actor.user_id != user.pk:
        raise PermissionDenied


def _take_totp(user: User, code: str) -> bool:
    row: Totp | None = Totp.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    step = _matching_step(row, code) if row is not None else None
    if row is None or step is None:
        return False
    row.last_step, row.last_used_at = step, clock.now()
    row.save(update_fields=["last_step", "last_used_at"])
    return True


def _matching_step(row: Totp, code: str) -> int | None:
    """The time step the code belongs to, later than the last one taken (RFC 6238, 5.2: a code is good once)."""
    totp = pyotp.TOTP(_open(row))
    typed = re.sub(r"\s", "", code)
    now = int(clock.now().timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), typed) and step > row.last_step:
            found = step
    return found


def _take_recovery(user: User, typed: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, code_hash=_hash(user, typed), used_at=None)
    return bool(unused.update(used_at=clock.now()))  # one statement: of two at once only one finds it unused


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    plain = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=_hash(user, code)) for code in plain)
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in plain]


def _hash(user: User, typed: str) -> str:
    # As people read it: no matter how it is spaced; o is 0, i and l are 1 (Crockford).
    tidy = re.sub(r"[^0-9a-z]", "", typed.lower()).translate(str.maketrans("oil", "011"))
    return hashlib.sha256(f"{user.realm_id}:{user.pk}:{tidy}".encode()).hexdigest()


def _seal(user: User, secret: str) -> str:
    return crypto.seal(secret, bound_to=_place(user.realm_id, user.pk))


def _open(row: Totp) -> str:
    return crypto.open_sealed(row.secret_sealed, bound_to=place(row))


def place(row: Totp) -> str:
    """What an app's secret is bound to."""
    return _place(row.realm_id, row.user_id)


def _place(realm_id: int, user_id: int) -> str:
    return f"tenancy.totp:{realm_id}:{user_id}:secret"
