"""What this room refuses, and why."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem


class CallNotAllowed(Problem):
    """The endpoint does not allow this. Nothing was asked of anybody."""

    code = "automation.call_not_allowed"
    status = 422
    title = _("The endpoint does not allow this.")


class CallFailed(Problem):
    """The other side could not do it, or did not answer. ``unknown``: it may have done it nevertheless."""

    code = "automation.call_failed"
    status = 502
    title = _("The other side could not do this.")

    def __init__(self, detail: str = "", *, retryable: bool = True, unknown: bool = False) -> None:
        self.retryable = retryable
        self.unknown = unknown
        super().__init__(detail)


class UnknownEndpoint(Problem):
    code = "automation.unknown_endpoint"
    status = 422
    title = _("There is no such endpoint, or it is switched off.")


class UnknownScript(Problem):
    code = "automation.unknown_script"
    status = 422
    title = _("There is no such script, or no published version of it.")


class OwnVersion(Problem):
    """Whoever wrote a version does not publish it."""

    code = "automation.second_person"
    status = 409
    title = _("A second person publishes what you have written.")


class NoSandboxHere(Problem):
    """This host cannot confine a script, so it runs none."""

    code = "automation.no_sandbox"
    status = 503
    title = _("Scripts cannot be confined on this machine, so none is run.")
    retryable: ClassVar[bool] = False
