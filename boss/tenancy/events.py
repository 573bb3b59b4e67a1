"""Facts of the ground that others tell people about."""

from __future__ import annotations

from dataclasses import dataclass

from boss.core.events import fact


@fact("tenancy.sign_in_changed")
@dataclass(frozen=True)
class SignInChanged:
    """A person's way in was changed: ``what`` says how, ``number`` tells two changes apart.

    ``old_email`` is the address he had before, when that is what changed: the mail goes there as well.
    """

    user_id: int
    what: str
    number: str
    old_email: str = ""


@fact("tenancy.sign_in_paused")
@dataclass(frozen=True)
class SignInPaused:
    """So many attempts on a person's account failed that strangers must wait."""

    user_id: int
