"""Mail on the API: who takes part, the mailboxes and where they are fetched, held mail, the texts of mails."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, CharFilter
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput
from ticketing import mail_texts, mailroom, selectors
from ticketing.api.desk import ticket_of
from ticketing.api.mail_grants import ChangeMailGrant, MailGrantSerializer
from ticketing.choices import UNSETTLED_STATES, OutboundKind, SourceAfter, SourceSecurity, SourceSignIn
from ticketing.mail.domain import RecordKind, RecordState
from ticketing.mail.language import LONGEST
from ticketing.models import Category, InboundMail, Mailbox, MailSource, MailText, Participant
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services.mail import domains, grants, letting_in, mailboxes, settling, sources, tracing, wording

BOXES = "ticketing.manage_mailboxes"
_PLAIN: dict[str, Any] = {"pagination_class": None, "filterset_class": None, "filterset_fields": None}


class ParticipantSerializer(serializers.ModelSerializer[Participant]):
    """An address on a ticket. ``held``: not written to until somebody lets it in."""

    ticket = serializers.CharField(source="ticket.public_id", read_only=True)
    user = serializers.CharField(source="user.public_id", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Participant
        fields = ("public_id", "ticket", "role", "state", "email", "name", "user", "added_by", "added_at")
        read_only_fields = fields


class ParticipantFilter(FilterSet):
    ticket = CharFilter("ticket__public_id")

    class Meta:
        model = Participant
        fields = ("role", "state", "email")


class ParticipantViewSet(ReadOnlyViewSet):
    """Who takes part in tickets by mail."""

    model = Participant
    serializer_class = ParticipantSerializer
    permission = VIEW_INTERNAL
    filterset_class = ParticipantFilter
    ordering_fields = ("id",)

    def rows(self) -> QuerySet[Participant]:
        return mailroom.list_participants(self.actor)

    def get_queryset(self) -> QuerySet[Participant]:
        return QuerySet(Participant).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    @action(detail=True, methods=["post"], permission=letting_in.PERMISSION)
    def let_in(self, request: Request, public_id: str) -> Response:
        """Write to who was held, and take his answers. Who was offered as requester becomes it."""
        return self.answer(letting_in.let_in(actor=self.actor, participant=self.get_object()))

    @action(detail=True, methods=["post"], permission=letting_in.PERMISSION)
    def keep_out(self, request: Request, public_id: str) -> Response:
        """Do not write to who was held."""
        return self.answer(letting_in.keep_out(actor=self.actor, participant=self.get_object()))


class MailSourceSerializer(serializers.ModelSerializer[MailSource]):
    """Where a mailbox's mail is fetched from. The password is never shown. ``grant``: null where it signs in with one,
    and while it is not said how it signs in by OAuth 2. ``tells``: whether its server can say when mail comes;
    null while nobody has asked it. ``is_listened_at``: it is fetched at once."""

    grant = serializers.SerializerMethodField()

    class Meta:
        model = MailSource
        fields = (
            "host", "port", "security", "certificate_sha256", "username", "sign_in", "folder", "after", "move_to",
            "takes_old", "every_seconds", "is_active", "looked_at", "failures", "error", "tells", "is_listened_at",
            "grant",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(MailGrantSerializer(allow_null=True))
    def get_grant(self, source: MailSource) -> dict[str, Any] | None:
        found = getattr(source, "grant", None)
        return dict(MailGrantSerializer(found).data) if found is not None else None


class ChangeMailSource(serializers.Serializer[Any]):
    """What is left out is as in a new one. Without ``password`` the one there is stays, as long as server and user
    name do. ``certificate_sha256``: the one certificate that is believed, for servers nobody vouches for."""

    host = serializers.CharField(max_length=200)
    port = serializers.IntegerField(min_value=1, max_value=65535, default=993)
    security = serializers.ChoiceField(choices=SourceSecurity.choices, default=SourceSecurity.TLS.value)
    certificate_sha256 = serializers.CharField(max_length=200, default="", allow_blank=True)
    username = serializers.CharField(max_length=200)
    sign_in = serializers.ChoiceField(choices=SourceSignIn.choices, default=SourceSignIn.PASSWORD.value)
    password = serializers.CharField(max_length=500, required=False, allow_blank=True, trim_whitespace=False)
    folder = serializers.CharField(max_length=200, default="INBOX")
    after = serializers.ChoiceField(choices=SourceAfter.choices, default=SourceAfter.SEEN.value)
    move_to = serializers.CharField(max_length=200, default="", allow_blank=True)
    takes_old = serializers.BooleanField(default=False)
    every_seconds = serializers.IntegerField(min_value=sources.SHORTEST, max_value=sources.LONGEST, default=60)
    is_active = serializers.BooleanField(default=True)


class MailboxSerializer(serializers.ModelSerializer[Mailbox]):
    """An address whose mail becomes tickets. ``source``: null where a mail server delivers it."""

    category = serializers.CharField(source="category.key", read_only=True)
    source = serializers.SerializerMethodField()  # type: ignore[assignment]  # a member named so in the document

    class Meta:
        model = Mailbox
        fields = ("public_id", "address", "category", "accepts_automatic", "is_active", "source")
        read_only_fields = fields

    @extend_schema_field(MailSourceSerializer(allow_null=True))
    def get_source(self, mailbox: Mailbox) -> dict[str, Any] | None:
        found = getattr(mailbox, "source", None)
        return dict(MailSourceSerializer(found).data) if found is not None else None


class ChangeMailbox(serializers.Serializer[Any]):
    category = serializers.CharField(max_length=40, help_text="Its key")
    accepts_automatic = serializers.BooleanField(default=False)
    is_active = serializers.BooleanField(default=True)


class NewMailbox(ChangeMailbox):
    address = serializers.CharField(max_length=200)


class CheckDomain(serializers.Serializer[Any]):
    selector = serializers.CharField(max_length=200, help_text="Of the DKIM key that the mail server signs with")


class DomainRecordSerializer(serializers.Serializer[Any]):
    """``value``: what to set at ``name``; "" when there is nothing to set or nobody has told BOSS."""

    kind = serializers.ChoiceField(choices=RecordKind.choices)
    state = serializers.ChoiceField(choices=RecordState.choices)
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["MX", "TXT"])
    detail = serializers.CharField()
    found = serializers.ListField(child=serializers.CharField())
    value = serializers.CharField()


class DomainReportSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField()
    selector = serializers.CharField()
    is_right = serializers.BooleanField()
    findings = DomainRecordSerializer(many=True)


class MailboxViewSet(ReadOnlyViewSet):
    """The addresses that mail comes in by, and answers leave from."""

    model = Mailbox
    serializer_class = MailboxSerializer
    permission = BOXES
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewMailbox}
    asking = ("check_domain",)

    def rows(self) -> QuerySet[Mailbox]:
        return mailroom.list_mailboxes(self.actor)

    def get_queryset(self) -> QuerySet[Mailbox]:
        return QuerySet(Mailbox).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        given = self.given()
        made = mailboxes.define(actor=self.actor, **given | {"category": _category(given["category"])})
        return self.answer(made, status=201)

    @action(detail=True, methods=["post"], permission=BOXES, input=ChangeMailbox)
    def change(self, request: Request, public_id: str) -> Response:
        """Set what becomes of its mail; the address stays."""
        found, given = self.get_object(), self.given()
        given["category"] = _category(given["category"])
        return self.answer(mailboxes.define(actor=self.actor, mailbox=found, **given))

    @action(detail=True, methods=["post"], permission=BOXES, input=ChangeMailSource)
    def fetch_from(self, request: Request, public_id: str) -> Response:
        """Fetch its mail by IMAP from an existing mailbox elsewhere, from now on."""
        found, given = self.get_object(), self.given()
        sources.define(actor=self.actor, mailbox=found, **given)
        return self.answer(found)

    @action(detail=True, methods=["post"], permission=BOXES, input=ChangeMailGrant)
    def grant(self, request: Request, public_id: str) -> Response:
        """Say how BOSS gets the right to read it by OAuth 2, where ``sign_in`` of its source is ``oauth``."""
        found, given = self.get_object(), self.given()
        grants.arrange(actor=self.actor, mailbox=found, **given)
        return self.answer(found)

    @action(detail=True, methods=["post"], permission=BOXES)
    def fetch_no_more(self, request: Request, public_id: str) -> Response:
        """Fetch it no more. What was fetched stays."""
        found = self.get_object()
        sources.remove(actor=self.actor, mailbox=found)
        return self.answer(found)

    @extend_schema(responses=DomainReportSerializer)
    @action(detail=True, methods=["post"], permission=BOXES, input=CheckDomain)
    def check_domain(self, request: Request, public_id: str) -> Response:
        """Ask DNS for the MX, SPF, DKIM and DMARC records of its domain. Changes and keeps nothing."""
        report = domains.check(actor=self.actor, mailbox=self.get_object(), **self.given())
        return Response(DomainReportSerializer(report).data)


class WhySerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    words = serializers.CharField()


class InboundMailSerializer(serializers.ModelSerializer[InboundMail]):
    """A mail that came. ``why``: every decision about it; ``hint``: a ticket it may belong to."""

    mailbox = serializers.CharField(source="mailbox.public_id", read_only=True)
    ticket = serializers.CharField(source="ticket.public_id", default=None, read_only=True, allow_null=True)
    hint = serializers.CharField(source="hint.public_id", default=None, read_only=True, allow_null=True)
    why = serializers.SerializerMethodField()

    class Meta:
        model = InboundMail
        fields = (
            "public_id", "mailbox", "state", "rule", "sender", "sender_name", "subject", "envelope_from", "envelope_to",
            "authentication", "mail_class", "size", "received_at", "ticket", "hint", "why", "settled_at", "settled_by",
        )  # fmt: skip
        read_only_fields = fields

    def get_why(self, mail: InboundMail) -> list[dict[str, str]]:
        return [{"rule": str(row.get("rule", "")), "words": tracing.in_words(row)} for row in mail.trace]


class RawMailSerializer(serializers.Serializer[Any]):
    """The mail as it came, byte for byte."""

    base64 = serializers.CharField()


class AcceptMail(serializers.Serializer[Any]):
    as_participant = serializers.BooleanField(default=False, help_text="Let its sender's next mails through, too")


class Unblock(serializers.Serializer[Any]):
    address = serializers.CharField(max_length=254)


class BlockedSenderSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    blocked_at = serializers.DateTimeField()
    blocked_by = serializers.CharField()


class InboundMailFilter(FilterSet):
    ticket = CharFilter("ticket__public_id")
    waiting = BooleanFilter(method="only_waiting", label="Only what waits for somebody's decision, or only the rest")

    class Meta:
        model = InboundMail
        fields = ("state", "sender")

    def only_waiting(self, queryset: QuerySet[InboundMail], name: str, value: bool) -> QuerySet[InboundMail]:
        return queryset.filter(state__in=UNSETTLED_STATES) if value else queryset.exclude(state__in=UNSETTLED_STATES)


class InboundMailViewSet(ReadOnlyViewSet):
    """All mail that came: applied, held, in quarantine or set aside."""

    model = InboundMail
    serializer_class = InboundMailSerializer
    permission = "ticketing.view_inboundmail"
    filterset_class = InboundMailFilter
    ordering_fields = ("id",)

    def rows(self) -> QuerySet[InboundMail]:
        return mailroom.list_inbound_mail(self.actor)

    @extend_schema(responses=RawMailSerializer)
    @action(detail=True, permission="ticketing.view_inboundmail", **_PLAIN)
    def raw(self, request: Request, public_id: str) -> Response:
        """The mail as it came."""
        content = mailroom.raw_of(self.get_object())
        return Response(RawMailSerializer({"base64": base64.b64encode(content).decode()}).data)

    @action(detail=True, methods=["post"], permission=settling.SETTLE, input=AcceptMail)
    def accept(self, request: Request, public_id: str) -> Response:
        """Put it on the ticket it was held at, in its sender's name."""
        return self.answer(settling.accept(actor=self.actor, mail=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission=settling.SETTLE)
    def split(self, request: Request, public_id: str) -> Response:
        """Make it a ticket of its own."""
        return self.answer(settling.split(actor=self.actor, mail=self.get_object()))

    @action(detail=True, methods=["post"], permission=settling.SETTLE)
    def block(self, request: Request, public_id: str) -> Response:
        """Set it aside, and send its sender's mail to quarantine from now on."""
        return self.answer(settling.block(actor=self.actor, mail=self.get_object()))

    @action(detail=True, methods=["post"], permission=settling.SETTLE)
    def discard(self, request: Request, public_id: str) -> Response:
        """Set it aside."""
        return self.answer(settling.discard(actor=self.actor, mail=self.get_object()))

    @extend_schema(responses=BlockedSenderSerializer(many=True))
    @action(detail=False, permission="ticketing.view_inboundmail", **_PLAIN)
    def blocked_senders(self, request: Request) -> Response:
        """Whose mail goes to quarantine."""
        found = mailroom.list_blocked_senders(self.actor)
        return Response(BlockedSenderSerializer(found, many=True).data)

    @extend_schema(responses={204: None})
    @action(detail=False, methods=["post"], permission=settling.SETTLE, input=Unblock)
    def unblock(self, request: Request) -> Response:
        """Take mail of a blocked sender again."""
        settling.unblock(actor=self.actor, address=self.given()["address"])
        return Response(status=204)


class MailTextSerializer(serializers.ModelSerializer[MailText]):
    """One version of a text; the highest ``number`` of its kind, language and category holds. An empty ``body`` takes
    the text above again."""

    category = serializers.CharField(source="category.key", default=None, read_only=True, allow_null=True)

    class Meta:
        model = MailText
        fields = ("public_id", "kind", "language", "category", "number", "body", "note", "kept_at", "kept_by")
        read_only_fields = fields


class WrittenText(serializers.Serializer[Any]):
    """``body``: plain text with ``{{ name }}``, ``{% if name %}…{% else %}…{% endif %}`` and ``{% for one in history
    %}{{ one.author }}: {{ one.text }}{% endfor %}``. Names: customer_name, ticket_number, ticket_title, ticket_link,
    ticket_category, provider_name, provider_phone, by_mail; in answers also my_name, answer, quoted."""

    kind = serializers.ChoiceField(choices=OutboundKind.choices)
    language = serializers.CharField(max_length=12)
    category = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="Its key")
    body = serializers.CharField(
        max_length=LONGEST, allow_blank=True, trim_whitespace=False
    )  # fmt: skip


class NewMailText(WrittenText):
    """``version``: refuse (409) to replace any other; 0 for none."""

    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    version = serializers.IntegerField(min_value=0, required=False)


class TryMailText(WrittenText):
    ticket = serializers.CharField(max_length=12, required=False, help_text="Whose values; else an invented one's")


class ShownMailText(serializers.Serializer[Any]):
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class SentTo(serializers.Serializer[Any]):
    address = serializers.EmailField()


class MailTextFilter(FilterSet):
    category = CharFilter("category__key")

    class Meta:
        model = MailText
        fields = ("kind", "language")


class MailTextViewSet(ReadOnlyViewSet):
    """The provider's own words in mails about tickets."""

    model = MailText
    serializer_class = MailTextSerializer
    permission = mail_texts.MANAGE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewMailText}
    filterset_class = MailTextFilter

    def rows(self) -> QuerySet[MailText]:
        return mail_texts.list_mail_texts(self.actor)

    def get_queryset(self) -> QuerySet[MailText]:
        return QuerySet(MailText).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        """Write like this from now on."""
        given = self.given()
        return self.answer(wording.keep(actor=self.actor, place=_place(given), **given), status=201)

    @action(detail=True, methods=["post"], permission=mail_texts.MANAGE)
    def revert(self, request: Request, public_id: str) -> Response:
        """Write as in this version again; it becomes the newest."""
        return self.answer(wording.revert(actor=self.actor, to=self.get_object()))

    @extend_schema(responses=ShownMailText)
    @action(detail=False, methods=["post"], permission=mail_texts.MANAGE, input=TryMailText)
    def preview(self, request: Request) -> Response:
        """The mail as it would be. Keeps nothing."""
        told = wording.preview(actor=self.actor, **self._tried())
        return Response(ShownMailText(told).data)

    @extend_schema(responses=SentTo)
    @action(detail=False, methods=["post"], permission=mail_texts.MANAGE, input=TryMailText)
    def test(self, request: Request) -> Response:
        """Mail it to the caller, and to nobody else. Keeps nothing."""
        return Response(SentTo({"address": wording.send_test(actor=self.actor, **self._tried())}).data)

    def _tried(self) -> dict[str, Any]:
        given = self.given()
        ticket = ticket_of(self, given["ticket"]) if given.get("ticket") else None
        return {"place": _place(given), "body": given["body"], "ticket": ticket}


def _place(given: dict[str, Any]) -> wording.Place:
    """Takes out of ``given`` what says which text it is."""
    key = given.pop("category", None)
    return wording.Place(given.pop("kind"), given.pop("language"), _category(key) if key else None)


def _category(key: str) -> Category:
    found = selectors.find_category(key)
    if found is None:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    return found
