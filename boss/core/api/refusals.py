"""Refusals under ``/api/`` that come before any view: the same problem documents, without DRF."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from boss.core.problems import Problem

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"


def concerns(request: HttpRequest) -> bool:
    """Whether a program asks, which wants a document and not a page."""
    return request.path.startswith(PREFIX)


def answer(request: HttpRequest, problem: Problem) -> JsonResponse:
    """``problem`` as an RFC 9457 document."""
    document = {**problem.document(), "instance": request.path}
    return JsonResponse(document, status=problem.status, content_type=MEDIA_TYPE)
