"""Accounts, orders, subscriptions and charges on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.views import BossViewSet, ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from catalog import selectors as catalog
from catalog.models import PlanVersion
from subscribers import selectors
from subscribers.account_search import search_accounts
from subscribers.api import serializers
from subscribers.models import Account, Charge, Order, Subscription
from subscribers.services import accounts, orders


class AccountFilter(FilterSet):
    number = CharFilter("number")
    site = CharFilter("site__public_id")
    organization = CharFilter("organization__public_id")

    class Meta:
        model = Account
        fields = ("state",)


class AccountViewSet(ReadOnlyViewSet):
    """Who buys and pays."""

    model = Account
    serializer_class = serializers.AccountSerializer
    permission = "subscribers.view_account"
    permissions: ClassVar[dict[str, str]] = {
        "create": "subscribers.open_account",
        "update": "subscribers.change_account",
    }
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": serializers.NewAccount,
        "update": serializers.ContactInput,
    }
    etagged = True
    filterset_class = AccountFilter
    ordering_fields = ("opened_at", "number")

    def rows(self) -> QuerySet[Account]:
        return selectors.whole_accounts()

    def create(self, request: Request) -> Response:
        given = self.given()
        site = _site(self, given["site"]) if given["site"] else None
        return self.answer(accounts.open(actor=self.actor, contact=given["contact"], site=site), status=201)

    def update(self, request: Request, public_id: str) -> Response:
        """Change name, e-mail, phone and language."""
        account = self.get_object()
        contact: Any = self.given()
        return self.answer(accounts.change(actor=self.actor, account=account, contact=contact))

    @extend_schema(
        parameters=[OpenApiParameter("q", str, required=True, description="Number, phone, e-mail, address or name")],
        responses=serializers.AccountSerializer(many=True),
        filters=False,
    )
    @action(detail=False, methods=["get"], permission="subscribers.view_account", pagination_class=None)
    def search(self, request: Request) -> Response:
        """Up to 20 accounts for whatever is in hand: a number, a phone, an e-mail, an address or a name."""
        found = search_accounts(self.actor, request.query_params.get("q", ""))
        return Response(self.get_serializer(selectors.with_places(found), many=True).data)


class OrderFilter(FilterSet):
    number = CharFilter("number")
    account = CharFilter("account__public_id")

    class Meta:
        model = Order
        fields = ("state", "channel")


class OrderViewSet(ReadOnlyViewSet):
    """What was asked for, and how far it is."""

    model = Order
    serializer_class = serializers.OrderSerializer
    permission = "subscribers.view_order"
    permissions: ClassVar[dict[str, str]] = {"create": "subscribers.place_order"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewOrder}
    filterset_class = OrderFilter
    ordering_fields = ("submitted_at",)

    def rows(self) -> QuerySet[Order]:
        return selectors.whole_orders()

    def create(self, request: Request) -> Response:
        """Place an order. Account, subscription, order and workflow run are written together, or nothing is."""
        given = self.given()
        try:
            order = orders.submit(
                actor=self.actor,
                site=_site(self, given["site"]),
                plan_version=_plan(self, given["plan"]),
                options=given["options"],
                chosen=given["chosen"],
                contact=given["contact"],
                payment=given["payment"],
                account=selectors.get_account(self.actor, given["account"]) if "account" in given else None,
                channel="api",
            )
        except InvalidInput as error:
            raise InvalidInput(error.detail, fields=_as_in_body(error.fields)) from None
        return self.answer(order, status=201)

    @extend_schema(request=serializers.QuoteInput, responses=serializers.QuoteSerializer)
    @action(detail=False, methods=["post"], permission="catalog.view_plans_on_sale", input=serializers.QuoteInput)
    def quote(self, request: Request) -> Response:
        """What a plan costs with options. Nothing is written."""
        given = self.given()
        try:
            quote = orders.quote(plan_version=_plan(self, given["plan"]), options=given["options"])
        except InvalidInput as error:
            raise InvalidInput(error.detail, fields=_as_in_body(error.fields)) from None
        return Response(serializers.QuoteSerializer(quote).data)


class SubscriptionFilter(FilterSet):
    account = CharFilter("account__public_id")
    site = CharFilter("site__public_id")
    plan = CharFilter("plan_version__plan__key")

    class Meta:
        model = Subscription
        fields = ("state",)


class SubscriptionViewSet(ReadOnlyViewSet):
    """Plans held by accounts at sites."""

    model = Subscription
    serializer_class = serializers.SubscriptionSerializer
    permission = "subscribers.view_subscription"
    filterset_class = SubscriptionFilter
    ordering_fields = ("created_at",)

    def rows(self) -> QuerySet[Subscription]:
        return selectors.whole_subscriptions()


class ChargeFilter(FilterSet):
    account = CharFilter("account__public_id")
    subscription = CharFilter("subscription__public_id")

    class Meta:
        model = Charge
        fields = ("state", "kind")


class ChargeViewSet(mixins.ListModelMixin, BossViewSet):
    """What accounts pay, each month or once."""

    model = Charge
    serializer_class = serializers.ChargeSerializer
    permission = "subscribers.view_charge"
    filterset_class = ChargeFilter
    ordering_fields = ("starts_on",)

    def rows(self) -> QuerySet[Charge]:
        rows: QuerySet[Charge] = Charge.objects.select_related("account", "subscription")
        return rows


def _site(view: BossViewSet, public_id: str) -> Site:
    try:
        return tenancy.get_site(view.actor, public_id)
    except NotFound as error:
        raise InvalidInput(fields={"site": [str(error.title)]}) from None


def _plan(view: BossViewSet, key: str) -> PlanVersion:
    try:
        return catalog.get_plan_on_sale(view.actor, key)
    except NotFound as error:
        raise InvalidInput(fields={"plan": [str(error.title)]}) from None


def _as_in_body(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """Form fields under the names they have in the body of the request."""
    places = {
        "full_name": "contact.full_name",
        "email": "contact.email",
        "phone": "contact.phone",
        "payment_method": "payment.method",
        "payment_token": "payment.token",
    }

    def place(name: str) -> str:
        if name in ("site", "plan") or name.startswith("choice."):
            return name
        if name.startswith("option."):
            return f"options.{name.removeprefix('option.')}"
        return places.get(name, f"chosen.{name}")

    return {place(name): messages for name, messages in fields.items()}
