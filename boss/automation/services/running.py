"""Running a published script for a task, and a version for whoever writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from boss.automation.errors import CallFailed, CallNotAllowed, NoSandboxHere, UnknownEndpoint
from boss.automation.models import ScriptVersion
from boss.automation.sandbox import process, proof
from boss.automation.sandbox.confinement import Limits, NoSandbox
from boss.automation.services import calls
from boss.core.crypto import MASK, SECRET_WORDS
from boss.core.logs import masked
from boss.core.problems import Problem

_REHEARSAL_SECONDS = 10


def limits_of(version: ScriptVersion) -> Limits:
    """A second of the processor for two of the clock, five at least: calls wait more than they count."""
    return Limits(
        wall_seconds=float(version.wall_seconds),
        cpu_seconds=max(5, version.wall_seconds // 2),
        memory_mb=version.memory_mb,
        calls=version.most_calls,
    )


@dataclass
class Broker:
    """Makes a script's calls for it: only of the endpoints its version names, with our credentials, on record."""

    version: ScriptVersion
    key: str
    by: str
    _under_way: calls.Prepared | None = None

    def begin(self, endpoint: str, request: Mapping[str, Any], number: int, seconds: float) -> Callable[[], Any]:
        if endpoint not in self.version.endpoints:
            raise process.CallRefused(_("The script does not name the endpoint “%(name)s”.") % {"name": endpoint[:40]})
        try:
            prepared = calls.prepare(
                realm_id=self.version.realm_id, endpoint_key=endpoint, request=request, key=f"{self.key}-{number}",
                by=self.by, seconds=seconds,
            )  # fmt: skip
        except CallFailed as error:
            raise process.CallRefused(str(error)) from error
        except (CallNotAllowed, UnknownEndpoint) as error:
            raise process.CallRefused(str(error)) from error
        self._under_way = prepared
        return lambda: _made(prepared)

    def end(self, error: Exception | None) -> None:
        prepared, self._under_way = self._under_way, None
        if prepared is None:
            return
        told = error.__cause__ if error is not None and isinstance(error.__cause__, Problem) else error
        if told is not None and not isinstance(told, Problem):
            told = CallFailed(str(told), unknown=True)
        calls.finish(prepared, told)


def _made(prepared: calls.Prepared) -> Any:
    try:
        return calls.perform(prepared)
    except CallNotAllowed as error:
        raise process.CallRefused(str(error)) from error
    except CallFailed as error:
        raise process.CallFailed(str(error), retryable=error.retryable) from error


class _Rehearsal:
    """Answers no call, and says so: a version nobody published asks nothing of anybody."""

    def begin(self, endpoint: str, request: Mapping[str, Any], number: int, seconds: float) -> Callable[[], Any]:
        raise process.CallRefused(_("“%(name)s” is not called while a script is tried.") % {"name": endpoint[:40]})

    def end(self, error: Exception | None) -> None:
        return None


def perform(
    version: ScriptVersion,
    work: process.Work,
    *,
    by: str,
    wanted: Callable[[], bool],
) -> process.Result:
    """Run ``work`` of a published version, outside any transaction. Raises :class:`NoSandboxHere`."""
    require_sandbox()
    broker = Broker(version, work.key, by)
    try:
        result = process.run(work, limits_of(version), broker=broker, wanted=wanted)
    except NoSandbox as error:
        raise NoSandboxHere(str(error)) from error
    return replace(result, log=_clean(result.log, work.arguments))


def rehearse(version: ScriptVersion, inputs: Mapping[str, Any]) -> process.Result:
    """Run a version with sample inputs and without endpoints. Raises :class:`NoSandboxHere`."""
    require_sandbox()
    work = process.Work(version.source, "run", [dict(inputs)], key="rehearsal")
    limits = replace(limits_of(version), wall_seconds=float(min(version.wall_seconds, _REHEARSAL_SECONDS)))
    try:
        result = process.run(work, limits, broker=_Rehearsal())
    except NoSandbox as error:
        raise NoSandboxHere(str(error)) from error
    return replace(result, log=_clean(result.log, work.arguments))


def require_sandbox() -> None:
    """Raises :class:`NoSandboxHere` on a machine that was found unable to confine a script."""
    found = proof.state()
    if not found.works:
        raise NoSandboxHere(
            _("Scripts cannot be confined on this machine (%(why)s), so none is run.") % {"why": found.why}
        )


def _clean(log: str, arguments: Any) -> str:
    """The log without secrets: those of a known shape, and those the script was handed among its inputs."""
    for secret in _secrets_in(arguments):
        log = log.replace(secret, MASK)
    return masked(log)


def _secrets_in(value: Any, name: str = "") -> set[str]:
    if isinstance(value, Mapping):
        return {found for key, item in value.items() for found in _secrets_in(item, str(key))}
    if isinstance(value, list | tuple):
        return {found for item in value for found in _secrets_in(item, name)}
    sounds_secret = any(re.search(word, name.lower()) for word in SECRET_WORDS)
    return {value} if sounds_secret and isinstance(value, str) and len(value) >= 4 else set()
