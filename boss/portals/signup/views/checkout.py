"""Who orders, how it is paid, and the last look before placing the order."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from boss.core.problems import Problem
from boss.core.views import public
from boss.portals.signup import drafts, offers, placing
from boss.portals.signup.drafts import Draft
from boss.portals.signup.forms import ReviewForm, YouForm, by_field
from boss.portals.signup.views.frame import keep_typed, kept, show, step
from subscribers import selectors as subscribers
from subscribers.errors import ToldByMail

YOU_FIELDS = ["full_name", "email", "phone", "method"]  # the card field is kept only when it is accepted


@step("you")
def you(request: HttpRequest, draft: Draft) -> HttpResponse:
    if request.method != "POST":
        return show(request, "you", "you", draft, _you_form(request, draft), has_card=bool(draft.card_token))
    form = YouForm(request.POST, realm_id=_realm_id(request), kept_token=draft.card_token)
    draft.refused = {}
    if form.is_valid():
        cleaned = form.cleaned_data
        draft.contact = {name: cleaned[name] for name in ("full_name", "email", "phone")}
        draft.method, draft.card_token = cleaned["method"], cleaned["card_token"]
        draft.typed.pop("you", None)
        drafts.save(request, draft)
        return redirect("signup:review")
    keep_typed(request, draft, "you", YOU_FIELDS)
    if form.has_error("card_token", "card_number"):
        form.data = request.POST.dict() | {"card_token": ""}  # never sent back to the page either
    return show(request, "you", "you", draft, form, has_card=bool(draft.card_token))


def _realm_id(request: HttpRequest) -> int:
    realm_id: int = request.realm.pk  # type: ignore[attr-defined]
    return realm_id


def _you_form(request: HttpRequest, draft: Draft) -> YouForm:
    """As it was left; with what placing the order refused, if it did."""
    shown = kept(draft, "you", draft.contact | {"method": draft.method})
    if not draft.refused:
        return YouForm(initial=shown, realm_id=_realm_id(request), kept_token=draft.card_token)
    form = YouForm(shown, realm_id=_realm_id(request), kept_token=draft.card_token)
    form.is_valid()
    for name, texts in draft.refused.items():
        form.add_error(name, texts)
    return form


@require_POST
@public
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what is typed on the page about you while it is typed (htmx); nothing is judged."""
    draft = drafts.load(request)
    if draft.plan:
        keep_typed(request, draft, "you", YOU_FIELDS)
    return HttpResponse(status=204)


@step("review")
def review(request: HttpRequest, draft: Draft) -> HttpResponse:
    form = ReviewForm(request.POST if request.method == "POST" else None)
    offer = offers.find_offer(request, draft)
    if offer is None:
        messages.warning(request, _("This plan is no longer sold at your address. Please choose again."))
        return redirect("signup:plan")
    if request.method == "POST" and form.is_valid():
        if request.POST.get("seen") != offer.total(draft.options).fingerprint:
            form.add_error(None, _("The price has changed since you looked. Please read it again before you order."))
        else:
            try:
                order = placing.place(request, draft)
            except ToldByMail:
                return _told_by_mail(request, draft, form)
            except Problem as problem:
                refused = by_field(problem.fields)
                draft.refused = {name: texts for name, texts in refused.items() if name in YouForm.base_fields}
                if "card_token" in draft.refused:
                    draft.card_token = ""  # asked for again, not offered as one that is there already
                if draft.refused:  # shown where it can be put right
                    drafts.save(request, draft)
                    return redirect("signup:you")
                form.add_problem(problem)
            else:
                token = subscribers.progress_token(order)
                drafts.remember_placed(request, draft.key, order.public_id, token)
                drafts.discard(request)
                return redirect("signup:order", token=token)
    return _review(request, draft, form)


def _told_by_mail(request: HttpRequest, draft: Draft, form: ReviewForm) -> HttpResponse:
    """The next step is in the mail, and the draft stays. Why that is so is told there alone."""
    try:
        placing.tell_owner(request, draft)
    except Problem as problem:  # too many from one network
        form.add_problem(problem)
        return _review(request, draft, form)
    return render(request, "portals/signup/told_by_mail.html", {"email": draft.contact["email"]})


def _review(request: HttpRequest, draft: Draft, form: ReviewForm) -> HttpResponse:
    offer = offers.find_offer(request, draft)
    if offer is None:
        return redirect("signup:plan")
    return show(
        request,
        "review",
        "review",
        draft,
        form,
        total=offer.total(draft.options),
        site=offers.find_site(request, draft.site),
        choices=offer.form(None, draft).answers_in_words(),
        term=offer.term,
    )
