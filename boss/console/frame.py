"""What every console page shares: the menu, the section it belongs to, and how a refusal is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from boss.console import menu
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import Problem
from boss.core.views import View, requires


def actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def staff(permission: str) -> Callable[[View], View]:
    """``@requires(permission)`` for people who work here: a subscriber who holds it on his own rows stays outside."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not actor_of(request).holds("core.use_console"):
                raise PermissionDenied(permission="core.use_console")
            return view(request, *args, **kwargs)

        return requires(permission)(inside)  # type: ignore[return-value]

    return decorate


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, section: str, status: int = 200
) -> HttpResponse:
    """Render a whole console page within its frame."""
    entries = menu.entries_for(actor_of(request))
    more = [entry for entry in entries if not entry.on_phone]
    frame = {
        "section": section,
        "menu": entries,
        "has_presence": actor_of(request).holds("ticketing.claim_ticket"),
        "menu_more": more,  # no page has a word like this for something of its own
        "section_is_more": any(entry.key == section for entry in more),
    }
    return render(request, f"console/{template}", {**frame, **context}, status=status)


def fragment(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a part of a page, for htmx."""
    return render(request, f"console/{template}", context, status=status)


def picked(request: HttpRequest, name: str, known: Container[str], *, first: str = "", whole: str = "") -> str:
    """The filter the address asks for, ``first`` when it asks for none.

    A value nobody knows (mistyped, or of a link that has grown old) is ``whole``, the filter that leaves nothing out:
    the page then marks what it really shows.
    """
    wanted = request.GET.get(name, first)
    return wanted if wanted == first or wanted in known else whole


def back_to(request: HttpRequest, default: str) -> HttpResponse:
    """Redirect to the address a form named in ``then``, if it is ours, else to ``default``."""
    target = request.POST.get("then", "")
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if ours else default)


def refused(request: HttpRequest, problem: Problem) -> None:
    """Say why a button did nothing, on the page that is shown next."""
    messages.error(request, str(problem))
