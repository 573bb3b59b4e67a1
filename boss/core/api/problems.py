"""One way to say no: every error leaves the API as an RFC 9457 problem document with a stable code."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.db import DataError, Error, transaction
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from boss.core import scoping
from boss.core.api.refusals import MEDIA_TYPE
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, Malformed, NotFound, Problem

log = structlog.get_logger(__name__)


class TooLarge(Problem):
    code = "core.too_large"
    status = 413
    title = _("The request is larger than what is taken.")


class NotAuthenticated(Problem):
    code = "core.not_authenticated"
    status = 401
    title = _("Please sign in or send an API key.")


class Unexpected(Problem):
    code = "core.unexpected"
    status = 500
    title = _("Something went wrong on our side. It has been recorded.")


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: whatever was raised becomes a problem document."""
    request = context["request"]
    problem = _problem(error)
    if problem is None:
        log.exception("api_failed", path=request.path, exc_info=error)
        got_request_exception.send(sender=exception_handler, request=request._request)
        problem = Unexpected()
    if isinstance(error, Error) and transaction.get_connection(scoping.alias()).in_atomic_block:
        # Postgres refuses everything after a failed statement; let the request's transaction end honestly.
        transaction.set_rollback(True, using=scoping.alias())

    headers = {}
    if isinstance(error, exceptions.APIException):
        if auth_header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = auth_header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
    document = problem.document()
    document["status"] = status = _status(error, problem)
    document["instance"] = request.path
    return Response(document, status=status, headers=headers, content_type=MEDIA_TYPE)


def _status(error: Exception, problem: Problem) -> int:
    return (
        int(error.status_code)
        if type(problem) is Problem and isinstance(error, exceptions.APIException)
        else problem.status
    )


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return invalid(error.detail)
    if isinstance(error, DjangoValidationError):
        return invalid(error.message_dict if hasattr(error, "error_dict") else error.messages)
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()
    if isinstance(error, DjangoPermissionDenied | exceptions.PermissionDenied):
        # DRF's CSRF refusal is one of these and says what is missing.
        return PermissionDenied(str(getattr(error, "detail", "")))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated("" if isinstance(error, exceptions.NotAuthenticated) else str(error.detail))
    if isinstance(error, exceptions.ParseError):
        return Malformed(str(error.detail))
    if isinstance(error, exceptions.APIException):
        return _other(error)
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return Malformed()
    if isinstance(error, DataError):  # a number beyond its column, for instance
        return InvalidInput(str(_("A value is outside of what can be stored.")))
    return None


def _other(error: exceptions.APIException) -> Problem:
    """405, 406, 415, 429: DRF's own words, under a code made of its name."""
    problem = Problem(str(error.detail))
    problem.code = f"core.{error.default_code}"  # type: ignore[misc]
    problem.title = str(error.default_detail).split("{")[0].split('"')[0].strip()  # type: ignore[misc]
    return problem


def invalid(detail: Any) -> InvalidInput:
    """Field errors, however deep, as ``{"contact.email": ["…"]}``; those of no field go into ``detail``."""
    fields: dict[str, list[str]] = {}
    _flatten("", detail, fields)
    general = fields.pop("", [])
    return InvalidInput(" ".join(general), fields=fields)


def _flatten(path: str, detail: Any, into: dict[str, list[str]]) -> None:
    if isinstance(detail, dict):
        for key, value in detail.items():
            own = key in ("non_field_errors", "__all__")
            _flatten(path if own else f"{path}.{key}".lstrip("."), value, into)
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            # A list of errors of one field, or the rows of a nested list, each with its own errors.
            _flatten(f"{path}.{index}".lstrip(".") if isinstance(value, dict) and value else path, value, into)
    elif detail:
        into.setdefault(path, []).append(str(detail))
