"""What every sign-up page shares: the draft, the way through the steps, the running total."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control

from boss.core.views import public
from boss.portals.signup import drafts, offers, steps
from boss.portals.signup.drafts import Draft

StepView = Callable[[HttpRequest, Draft], HttpResponse]


def step(key: str) -> Callable[[StepView], Callable[[HttpRequest], HttpResponse]]:
    """A page of the flow: it gets the draft, and opens only when the steps before it are answered.

    A visitor whose session ended gets her draft back from the sealed copy in the form she sends.
    """

    def decorate(view: StepView) -> Callable[[HttpRequest], HttpResponse]:
        @public
        # Not "no-store": with it a browser cannot go back to a page that answered a refused form, and says so rudely.
        @cache_control(private=True, no_cache=True)
        @functools.wraps(view)
        def opened(request: HttpRequest) -> HttpResponse:
            if request.method == "POST":
                placed = drafts.find_placed(request, request.POST.get("key", ""))
                if placed:
                    return redirect("signup:order", token=placed)
                if drafts.restore(request, request.realm.pk):  # type: ignore[attr-defined]
                    messages.info(request, _("Your session had ended. We kept your answers; please go on."))
            draft = drafts.load(request)
            missing = steps.missing_before(key, draft)
            if missing:
                if request.method == "POST":
                    messages.warning(request, _("Please answer this first, then we can go on."))
                return redirect(f"signup:{missing}")
            return view(request, draft)

        return opened

    return decorate


def show(
    request: HttpRequest, template: str, key: str, draft: Draft, form: forms.Form | None, **context: Any
) -> HttpResponse:
    """Render a page of the flow; 422 when its form was refused, so that programs notice as well as people."""
    refused = form is not None and form.is_bound and bool(form.errors)
    return render(
        request,
        f"portals/signup/{template}.html",
        {
            "form": form,
            "draft": draft,
            "step": key,
            "progress": steps.progress(key, draft),
            "total": context.pop("total", None) or offers.find_total(request, draft),
            "sealed_draft": drafts.sealed(draft, request.realm.pk),  # type: ignore[attr-defined]
            **context,
        },
        status=422 if refused else 200,
    )


def kept(draft: Draft, key: str, saved: dict[str, Any]) -> dict[str, Any]:
    """What the form of ``key`` shows at first: what was accepted, under what was typed since."""
    return saved | draft.typed.get(key, {})


def keep_typed(request: HttpRequest, draft: Draft, key: str, names: list[str]) -> None:
    """Keep what was typed although it was refused: back and refresh show it again."""
    draft.typed[key] = {name: request.POST[name][:1000] for name in names if name in request.POST}
    drafts.save(request, draft)
