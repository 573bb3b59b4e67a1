"""The texts of ticket mails: which are the provider's own, written, looked at, tried and taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.mail import MailTextForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core.actors import Actor
from boss.core.problems import Problem
from ticketing import desk, selectors
from ticketing import mail_texts as texts
from ticketing.choices import OutboundKind
from ticketing.models import MailText
from ticketing.services.mail import wording
from ticketing.services.mail.wording import Place


@staff(texts.MANAGE)
@require_GET
def mail_texts(request: HttpRequest) -> HttpResponse:
    """Every mail of the desk in every language, with what it says: BOSS's text, or which version of one's own."""
    actor = actor_of(request)
    holds: dict[tuple[str, str, str], MailText] = {}
    for each in texts.list_mail_texts(actor):
        holds.setdefault((each.kind, each.language, each.category.key if each.category else ""), each)
    rows = []
    for kind, label in OutboundKind.choices:
        for tag in desk.languages_of(actor.realm_id):
            own = [each for key, each in holds.items() if key[:2] == (kind, tag) and each.category and each.body]
            rows.append({"kind": kind, "label": label, "tag": tag, "held": holds.get((kind, tag, "")), "own": own})
    return page(request, "mail/texts.html", {"rows": rows}, section="tickets")


@staff(texts.MANAGE)
@require_http_methods(["GET", "POST"])
def mail_text(request: HttpRequest, mail_kind: str, tag: str) -> HttpResponse:
    """One text; for one category where the address names it. "preview" and "test" keep nothing."""
    actor = actor_of(request)
    place = _place(request, actor, mail_kind, tag)
    versions = list(
        texts.list_versions(actor, kind=place.kind, language_tag=place.language, category=place.category)
    )  # fmt: skip
    last = versions[0] if versions else None
    initial = {"body": last.body if last else "", "version": last.number if last else 0}
    form = MailTextForm(request.POST if request.method == "POST" else None, initial=initial)
    status, shown = 200, None
    if request.method == "POST" and not form.is_valid():
        status = 422
    elif request.method == "POST":
        try:
            answer, shown = _do(request, actor, place, form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status
        else:
            if answer is not None:
                return answer
    context = {
        "form": form, "place": place, "label": OutboundKind(mail_kind).label, "versions": versions, "shown": shown,
        "known": texts.words_of(mail_kind).items(), "categories": list(selectors.list_categories(actor)),
    }  # fmt: skip
    return page(request, "mail/text.html", context, section="tickets", status=status)


@staff(texts.MANAGE)
@require_POST
def mail_text_revert(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write as in this version again."""
    found = texts.get_mail_text(actor_of(request), public_id)
    try:
        kept = wording.revert(actor=actor_of(request), to=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Version %(n)s holds now.") % {"n": kept.number})
    return redirect(_url(Place(found.kind, found.language, found.category)))


def _do(
    request: HttpRequest, actor: Actor, place: Place, given: dict[str, Any]
) -> tuple[HttpResponse | None, dict[str, str] | None]:
    """Where to go, or what is to be shown."""
    deed = request.POST.get("deed", "keep")
    if deed == "preview":
        told = wording.preview(actor=actor, place=place, body=given["body"])
        return None, {"subject": told.subject, "text": told.text}
    if deed == "test":
        address = wording.send_test(actor=actor, place=place, body=given["body"])
        messages.success(request, _("Sent to %(address)s. Nothing was kept yet.") % {"address": address})
        told = wording.preview(actor=actor, place=place, body=given["body"])
        return None, {"subject": told.subject, "text": told.text}
    wording.keep(actor=actor, place=place, **given)
    messages.success(request, _("Kept."))
    return redirect(_url(place)), None


def _place(request: HttpRequest, actor: Actor, kind: str, tag: str) -> Place:
    if kind not in OutboundKind.values or tag not in desk.languages_of(actor.realm_id):
        raise Http404
    key = request.GET.get("category", "")
    category = selectors.find_category(key) if key else None
    if key and category is None:
        raise Http404
    return Place(kind, tag, category)


def _url(place: Place) -> str:
    url = reverse("console:mail_text", args=[place.kind, place.language])
    return f"{url}?category={place.category.key}" if place.category else url
