from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.api.privacy import serializers
from boss.core import exports
from boss.core.api.views import ReadOnlyViewSet
from boss.privacy.models import Erasure, PersonalExport
from boss.privacy.services import copies, erasures
from subscribers import selectors as subscribers

VIEW = "privacy.view_personalexport"


class CopyViewSet(ReadOnlyViewSet):
    """Copies of all that is held of a person. Ask, look until ``state`` is ready, fetch ``content``."""

    model = PersonalExport
    serializer_class = serializers.CopySerializer
    permission = VIEW
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.OfAccount}

    def rows(self) -> QuerySet[PersonalExport]:
        rows: QuerySet[PersonalExport] = PersonalExport.objects.select_related("account").defer("content")
        return rows

    @extend_schema(responses={202: serializers.CopySerializer})
    def create(self, request: Request) -> Response:
        account = subscribers.get_account(self.actor, self.given()["account"])
        return self.answer(copies.ask(actor=self.actor, account=account), status=202)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, permission=VIEW)
    def content(self, request: Request, public_id: str) -> HttpResponse:
        """The zip: JSON and CSV a table."""
        return exports.download(*copies.fetch(actor=self.actor, public_id=public_id))


class ErasureViewSet(ReadOnlyViewSet):
    """Erasures of persons whose accounts are closed. Asked for first, then confirmed with the account's number."""

    model = Erasure
    serializer_class = serializers.ErasureSerializer
    permission = erasures.ERASE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.OfAccount}

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn outside any realm
            return super().get_queryset()
        return self.rows().visible_to(self.actor, erasures.ERASE)  # type: ignore[attr-defined, no-any-return]

    def rows(self) -> QuerySet[Erasure]:
        rows: QuerySet[Erasure] = Erasure.objects.select_related("account")
        return rows

    @extend_schema(responses={201: serializers.ErasureSerializer})
    def create(self, request: Request) -> Response:
        account = subscribers.get_account(self.actor, self.given()["account"])
        return self.answer(erasures.ask(actor=self.actor, account=account), status=201)

    @action(detail=True, methods=["post"], permission=erasures.ERASE, input=serializers.Confirmation)
    def confirm(self, request: Request, public_id: str) -> Response:
        """The second step. It cannot be taken back."""
        erasure = self.get_object()
        return self.answer(erasures.confirm(actor=self.actor, erasure=erasure, number=self.given()["number"]))
