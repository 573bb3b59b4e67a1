"""Reads that cross the rooms: everything of an account at once, and one box that finds whatever is in hand."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from boss.api.views import ApiView
from ipservices import selectors as ipservices
from ipservices.api.serializers import ServiceSerializer
from subscribers import selectors as subscribers
from subscribers.account_search import search_accounts
from subscribers.api.serializers import (
    AccountSerializer,
    ChargeSerializer,
    OrderSerializer,
    SubscriptionSerializer,
)
from ticketing import by_title, standing
from ticketing import selectors as ticketing
from ticketing.api.serializers import TicketSerializer
from ticketing.api.told import AddressTroubleSerializer
from ticketing.models.thread import VIEW_INTERNAL
from workflow import selectors as workflow
from workflow.api.serializers import RunSerializer

NEWEST = 50
"""How many tickets and runs of an account the overview holds; the rooms' own lists have all of them."""


class OverviewSerializer(serializers.Serializer[Any]):
    """An account with what each room knows of it. A part its reader may not see is empty."""

    account = AccountSerializer()
    monthly = serializers.DictField(
        child=serializers.DecimalField(max_digits=12, decimal_places=2),
        help_text="Running monthly charges, by currency",
    )
    subscriptions = SubscriptionSerializer(many=True)
    orders = OrderSerializer(many=True)
    charges = ChargeSerializer(many=True)
    services = ServiceSerializer(many=True)
    runs = RunSerializer(many=True)
    tickets = TicketSerializer(many=True)
    mail_troubles = AddressTroubleSerializer(many=True, help_text="Addresses of its people that mail does not reach")


class AccountOverview(ApiView):
    """Account 360: the account, its subscriptions, orders, charges, services, runs and tickets in one answer."""

    permission = "subscribers.view_account"

    @extend_schema(responses=OverviewSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        actor = self.actor
        account = subscribers.get_account(actor, public_id)
        known = subscribers.account_360(actor, account)
        runs = workflow.list_runs(actor).filter(pk__in=[order.run_id for order in known.orders if order.run_id])
        addresses = subscribers.addresses_of(actor, account) if actor.holds(VIEW_INTERNAL) else []
        shown = {
            "account": account,
            "monthly": known.monthly,
            "subscriptions": known.subscriptions,
            "orders": known.orders,
            "charges": known.charges,
            "services": ipservices.list_services_for_account(actor, account),
            "runs": runs[:NEWEST],
            "tickets": ticketing.list_for_account(actor, account.pk)[:NEWEST],
            "mail_troubles": standing.of(addresses),
        }
        return Response(OverviewSerializer(shown, context={"request": request}).data)  # type: ignore[arg-type]


class FoundSerializer(serializers.Serializer[Any]):
    """What a text may mean; accounts best match first."""

    accounts = AccountSerializer(many=True)
    orders = OrderSerializer(many=True)
    tickets = TicketSerializer(many=True)


class Search(ApiView):
    """Accounts by number, phone, e-mail, address or name; orders by their number; tickets by it or by words of their
    titles."""

    permission = "core.search"

    @extend_schema(
        parameters=[OpenApiParameter("q", str, required=True, description="Whatever is in hand")],
        responses=FoundSerializer,
    )
    def get(self, request: Request) -> Response:
        actor = self.actor
        text = " ".join(request.query_params.get("q", "").replace("\x00", "").split())[:120]
        numbered = ticketing.find_by_number(actor, text) if "-" in text else None
        found = {
            "accounts": subscribers.with_places(search_accounts(actor, text)) if text else [],
            "orders": subscribers.list_orders(actor).filter(number=text.upper())[:1],
            "tickets": [numbered] if numbered is not None else by_title.find_by_title(actor, text),
        }
        return Response(FoundSerializer(cast(Any, found), context={"request": request}).data)
