"""Accounts, orders, subscriptions and charges on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
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
from boss.tenancy import signing_in
from boss.tenancy.models import Site
from catalog import selectors as catalog
from catalog.models import PlanVersion
from subscribers import selectors
from subscribers.account_search import search_accounts
from subscribers.api import serializers
from subscribers.models import Account, Charge, Collection, Lease, Order, Payment, Statement, Subscription
from subscribers.services import accounts, amending, billing, later_orders, leases, orders


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

    @action(detail=True, methods=["post"], permission="subscribers.place_order", input=serializers.Amendment)
    def amend(self, request: Request, public_id: str) -> Response:
        """Change it while it is under way. Only what differs is undone and done again."""
        given = self.given()
        try:
            order = amending.amend(actor=self.actor, order=self.get_object(), **given)
        except InvalidInput as error:
            raise InvalidInput(error.detail, fields=_as_in_body(error.fields)) from None
        return self.answer(order)

    @action(detail=True, methods=["post"], url_path="win-back", input=serializers.WinBack,
            permission="subscribers.place_order")  # fmt: skip
    def win_back(self, request: Request, public_id: str) -> Response:
        """The customer stays after all: what the order of the end has done so far is undone."""
        return self.answer(later_orders.win_back(actor=self.actor, order=self.get_object(), **self.given()))

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

    @extend_schema(responses={201: serializers.OrderSerializer})
    @action(detail=True, methods=["post"], permission="subscribers.place_order", input=serializers.ChangePlan)
    def change(self, request: Request, public_id: str) -> Response:
        """Order another plan, or other options, as far as no visit is needed."""
        subscription = self.get_object()
        given = self.given()
        try:
            order = later_orders.change_plan(
                actor=self.actor,
                subscription=subscription,
                plan_version=_plan(self, given["plan"]),
                options=given.get("options"),
                chosen=given["chosen"],
                channel="api",
            )
        except InvalidInput as error:
            raise InvalidInput(error.detail, fields=_as_in_body(error.fields)) from None
        return self._order(order)

    @extend_schema(responses={201: serializers.OrderSerializer})
    @action(detail=True, methods=["post"], url_path="bring-number", input=serializers.BringNumber,
            permission="subscribers.place_order")  # fmt: skip
    def bring_number(self, request: Request, public_id: str) -> Response:
        """Order that a number be brought from another provider to the line of this subscription."""
        subscription = self.get_object()
        return self._order(
            later_orders.bring_number(actor=self.actor, subscription=subscription, channel="api", **self.given())
        )

    @extend_schema(responses={201: serializers.OrderSerializer})
    @action(detail=True, methods=["post"], permission="subscribers.place_order", input=serializers.Disconnect)
    def disconnect(self, request: Request, public_id: str) -> Response:
        """Order the end of the subscription. As long as the order is under way it can be won back."""
        subscription = self.get_object()
        return self._order(
            later_orders.disconnect(actor=self.actor, subscription=subscription, channel="api", **self.given())
        )

    def _order(self, order: Order) -> Response:
        # Not through visible_to: whoever was allowed to order may see the order.
        shown = selectors.whole_orders().get(pk=order.pk)
        return Response(serializers.OrderSerializer(shown, context=self.get_serializer_context()).data, status=201)


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


class OfAccountFilter(FilterSet):
    account = CharFilter("account__public_id")

    class Meta:
        model = Statement
        fields = ()


class StatementViewSet(ReadOnlyViewSet):
    """What accounts owe for a month."""

    model = Statement
    serializer_class = serializers.StatementSerializer
    permission = "subscribers.view_statement"
    filterset_class = OfAccountFilter
    ordering_fields = ("due_on",)

    def rows(self) -> QuerySet[Statement]:
        return selectors.whole_statements()


class PaymentFilter(OfAccountFilter):
    class Meta:
        model = Payment
        fields = ("paid_by",)


class PaymentViewSet(ReadOnlyViewSet):
    """Money that came in."""

    model = Payment
    serializer_class = serializers.PaymentSerializer
    permission = "subscribers.view_payment"
    permissions: ClassVar[dict[str, str]] = {"create": "subscribers.collect"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewPayment}
    filterset_class = PaymentFilter
    ordering_fields = ("received_at",)

    def rows(self) -> QuerySet[Payment]:
        return selectors.whole_payments()

    @signing_in.recent_on_api
    def create(self, request: Request) -> Response:
        """Write down money that came in. When nothing is overdue any more, full service comes back by itself."""
        given = self.given()
        try:
            account = selectors.get_account(self.actor, given.pop("account"))
        except NotFound as error:
            raise InvalidInput(fields={"account": [str(error.title)]}) from None
        return self.answer(billing.receive(actor=self.actor, account=account, **given), status=201)


class CollectionFilter(OfAccountFilter):
    class Meta:
        model = Collection
        fields = ("state",)


class CollectionViewSet(ReadOnlyViewSet):
    """Cases of accounts that are behind with paying."""

    model = Collection
    serializer_class = serializers.CollectionSerializer
    permission = "subscribers.view_collection"
    filterset_class = CollectionFilter
    ordering_fields = ("opened_at",)

    def rows(self) -> QuerySet[Collection]:
        return selectors.whole_collections()


class LeaseFilter(FilterSet):
    organization = CharFilter("organization__public_id")
    reference = CharFilter("reference")

    class Meta:
        model = Lease
        fields = ("state",)


class LeaseViewSet(ReadOnlyViewSet):
    """The lease feed of buildings' owners."""

    model = Lease
    serializer_class = serializers.LeaseSerializer
    permission = "subscribers.view_lease"
    permissions: ClassVar[dict[str, str]] = {"create": "subscribers.announce_lease"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewLease}
    filterset_class = LeaseFilter
    ordering_fields = ("starts_on",)

    def rows(self) -> QuerySet[Lease]:
        return selectors.whole_leases()

    def create(self, request: Request) -> Response:
        """Announce a lease. On its first day the resident's service is ordered, paid by the owner."""
        given = self.given()
        site = _site(self, given.pop("site"))
        owner = tenancy.find_organization(self.actor, given.pop("organization"))
        if owner is None:
            raise InvalidInput(fields={"organization": [_("There is no such owner.")]})
        return self.answer(leases.receive(actor=self.actor, organization=owner, site=site, **given), status=201)


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
