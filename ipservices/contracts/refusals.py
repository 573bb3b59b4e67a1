"""What a driver may raise: six kinds, saying whether another attempt helps and whether something may have happened."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem, Text


class DriverError(Problem):
    """Base of what a driver may raise. ``retryable``: trying again may help without a person.

    ``outcome_unknown``: the request may have taken effect (a time-out after sending). Whoever tries again reads first.
    """

    code = "ipservices.driver_error"
    status = 502
    title = _("The server could not do this.")
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: Text = "",
        *,
        outcome_unknown: bool = False,
        fields: dict[str, list[str]] | None = None,
        **data: Any,
    ) -> None:
        self.outcome_unknown = outcome_unknown
        super().__init__(detail, fields=fields, **data)


class Invalid(DriverError):
    """The server can never accept this desired state; trying again is useless."""

    code = "ipservices.driver_invalid"
    status = 422
    title = _("The server does not accept these values.")


class Conflict(DriverError):
    """The native object exists and belongs to somebody else."""

    code = "ipservices.driver_conflict"
    status = 409
    title = _("The name is taken on the server by something that is not this service.")


class Transient(DriverError):
    """Busy, locked, overloaded: the same request may succeed later."""

    code = "ipservices.driver_busy"
    status = 503
    title = _("The server is busy.")
    retryable = True


class AuthFailed(DriverError):
    """The server refuses BOSS's credentials; a person has to correct the binding."""

    code = "ipservices.driver_auth_failed"
    title = _("The server refuses the credentials.")


class Unreachable(DriverError):
    """No answer. With ``outcome_unknown`` the request may have taken effect."""

    code = "ipservices.driver_unreachable"
    status = 504
    title = _("The server does not answer.")
    retryable = True


class Unverified(DriverError):
    """The server said yes, but what it holds is not what was asked for."""

    code = "ipservices.driver_unverified"
    title = _("The server agreed, but what it holds differs.")
    retryable = True
