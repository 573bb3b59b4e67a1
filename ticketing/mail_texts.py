"""The texts of ticket mails: what they may speak of, which one holds, what stands for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from boss.tenancy.selectors import get_brand
from ticketing import placeholders
from ticketing.choices import MessageKind, OutboundKind
from ticketing.mail import language
from ticketing.models import Category, MailText, Message, Ticket

log = structlog.get_logger(__name__)

MANAGE = "ticketing.manage_mailboxes"
LAST = 5
"""Messages that a text may go through."""

WORDS: Mapping[str, str | Promise] = {
    **{name: words for name, words in placeholders.KNOWN.items() if name != "my_name"},
    "ticket_title": _("the ticket's title"),
    "ticket_link": _("the address of its page"),
    "ticket_category": _("the name of its category"),
    "by_mail": _("for if: whether this mail can be answered"),
}
ANSWER_WORDS: Mapping[str, str | Promise] = {
    "my_name": _("who answers"),
    "answer": _("what was answered"),
    "quoted": _("what was said before, as it is quoted"),
}
NEWS_WORDS: Mapping[str, str | Promise] = {
    "news": _("what is new, in a sentence"),
    "answer": _("what was written, where it is a message"),
}
UPLOAD_WORDS: Mapping[str, str | Promise] = {
    "upload_link": _("the address by which the files can be sent, for a week"),
}
HISTORY = {"history": frozenset({"author", "text"})}


def words_of(kind: str) -> dict[str, str | Promise]:
    """The names a text of this kind may use, each in words."""
    more = {
        OutboundKind.ANSWER.value: ANSWER_WORDS,
        OutboundKind.NEWS.value: NEWS_WORDS,
        OutboundKind.TOO_LARGE.value: UPLOAD_WORDS,
    }
    return {**WORDS, **more.get(kind, {})}


def names_of(kind: str) -> language.Names:
    return language.Names(frozenset(words_of(kind)), HISTORY)


def list_mail_texts(actor: Actor) -> ScopedQuerySet:
    """Every version of every text, newest first."""
    rows: ScopedQuerySet = MailText.objects.visible_to(actor, MANAGE).select_related("category")
    return rows.order_by("-id")  # type: ignore[return-value]


def list_versions(actor: Actor, *, kind: str, language_tag: str, category: Category | None) -> ScopedQuerySet:
    rows: ScopedQuerySet = list_mail_texts(actor).filter(kind=kind, language=language_tag, category=category)
    return rows


def get_mail_text(actor: Actor, public_id: str) -> MailText:
    """Raises :class:`NotFound`."""
    found: MailText | None = list_mail_texts(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(mail_text=public_id)
    return found


def find_body(kind: str, language_tag: str, category: Category) -> str:
    """The provider's own words for a ticket of this category: the category's, its parent's, else those for all; ""
    where he has written none. One statement."""
    at = [category.pk, category.parent_id]
    rows = (
        MailText.objects.filter(Q(category=None) | Q(category_id__in=[each for each in at if each]))
        .filter(kind=kind, language=language_tag)
        .order_by("category_id", "-number")
        .distinct("category_id")
        .values_list("category_id", "body")
    )
    by_place = dict(rows)
    return next((by_place[each] for each in (*at, None) if by_place.get(each)), "")


def fill(body: str, ticket: Ticket, context: Mapping[str, Any]) -> str:
    """The provider's words with the ticket's values. ``context`` is what the house's own template would be given."""
    brand = get_brand(ticket.realm_id)
    values: dict[str, Any] = {
        "customer_name": context["name"],
        "ticket_number": ticket.number,
        "ticket_title": ticket.title,
        "ticket_link": context["link"],
        "ticket_category": ticket.category.name,
        "provider_name": brand.name,
        "provider_phone": brand.phone,
        "by_mail": bool(context.get("by_mail")),
        "my_name": context.get("author", ""),
        "answer": context.get("body", ""),
        "news": context.get("wording") or context.get("news", ""),
        "quoted": context.get("quoted", ""),
        "upload_link": context.get("upload_link", ""),
    }
    if language.uses(body, "history"):
        values["history"] = _history(ticket)
    return language.render(body, values).strip()


def written(kind: str, language_tag: str, ticket: Ticket, context: Mapping[str, Any]) -> str:
    """The whole text of a mail in the provider's own words; "" where the house's own template is to be taken.

    A text that cannot be filled in after all stops no mail: the house's own is taken, and the log says so.
    """
    body = find_body(kind, language_tag, ticket.category)
    if not body:
        return ""
    try:
        return fill(body, ticket, context)
    except Exception:
        log.exception("mail_text_not_filled", kind=kind, language=language_tag)
        return ""


def _history(ticket: Ticket) -> list[dict[str, str]]:
    """E6: public words only."""
    if ticket.pk is None:  # a preview without a ticket
        return [
            {"author": gettext("Dana"), "text": gettext("Pages take minutes to load.")},
            {"author": get_brand(ticket.realm_id).name, "text": gettext("Please restart the modem.")},
        ]
    rows = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC).order_by("-seq")[:LAST]
    return [{"author": each.author_label, "text": each.body} for each in reversed(rows)]
