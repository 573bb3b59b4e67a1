"""Accounts, orders and subscriptions as the API shows and reads them."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers

from boss.core import permissions
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.choices import PaymentMethod
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Account, Charge, Order, OrderItem, Subscription


class AccountSerializer(serializers.ModelSerializer[Account]):
    site = serializers.CharField(source="site.public_id", default=None, read_only=True, allow_null=True)
    address = serializers.CharField(source="site.label", default=None, read_only=True, allow_null=True)
    organization = serializers.CharField(source="organization.public_id", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Account
        fields = (
            "public_id", "number", "name", "state", "email", "phone", "language", "organization", "site", "address",
            "opened_at", "activated_at", "closed_at",
        )  # fmt: skip


class ContactInput(serializers.Serializer[Any]):
    """A person: name, e-mail, phone."""

    full_name = serializers.CharField(max_length=120)
    email = serializers.CharField(max_length=254)
    phone = serializers.CharField(max_length=30)
    language = serializers.CharField(max_length=10, default="en")

    def to_internal_value(self, data: Any) -> ContactDetails:  # type: ignore[override]
        return ContactDetails(**super().to_internal_value(data))


class NewAccount(ContactInput):
    """An account to be opened."""

    site = serializers.CharField(max_length=12, required=False, help_text="Public id of the main service address")

    def to_internal_value(self, data: Any) -> Any:
        given: dict[str, Any] = super(ContactInput, self).to_internal_value(data)
        site = given.pop("site", None)
        return {"contact": ContactDetails(**given), "site": site}


def _hidden(serializer: serializers.BaseSerializer[Any]) -> dict[str, frozenset[str]]:
    """By feature, the characteristics its reader is not shown: the staff's own, for customers. Asked once a list."""
    actor = serializer.context["request"].actor
    if permissions.acts_for_realm(actor, "subscribers.view_subscription"):
        return {}
    kept = cast("dict[str, Any]", serializer.context)
    if "staff_only_keys" not in kept:
        kept["staff_only_keys"] = catalog.staff_only_keys()
    known: dict[str, frozenset[str]] = kept["staff_only_keys"]
    return known


def _without(values: dict[str, Any], hidden: frozenset[str] | None) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in hidden} if hidden else values


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    account = serializers.CharField(source="account.public_id", read_only=True)
    site = serializers.CharField(source="site.public_id", read_only=True)
    address = serializers.CharField(source="site.label", read_only=True)
    plan = serializers.CharField(source="plan_version.plan.key", read_only=True)
    plan_title = serializers.CharField(source="plan_version.plan.title", read_only=True)
    plan_version = serializers.CharField(source="plan_version.public_id", read_only=True)
    options = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    features = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Subscription
        fields = (
            "public_id", "account", "site", "address", "plan", "plan_title", "plan_version", "state", "options",
            "features", "created_at", "active_from", "ended_on",
        )  # fmt: skip

    def to_representation(self, instance: Subscription) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if hidden := _hidden(self):
            shown["features"] = [
                {**feature, "characteristics": _without(feature["characteristics"], hidden.get(feature["key"]))}
                for feature in shown["features"]
            ]
        return shown


class OrderItemSerializer(serializers.ModelSerializer[OrderItem]):
    plan = serializers.CharField(source="plan_version.plan.key", read_only=True)
    plan_title = serializers.CharField(source="plan_version.plan.title", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)
    options = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    chosen = serializers.DictField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = OrderItem
        fields = ("action", "plan", "plan_title", "subscription", "options", "chosen", "monthly", "once", "currency")

    def to_representation(self, instance: OrderItem) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if hidden := _hidden(self):
            shown["chosen"] = {key: _without(values, hidden.get(key)) for key, values in shown["chosen"].items()}
        return shown


class OrderSerializer(serializers.ModelSerializer[Order]):
    account = serializers.CharField(source="account.public_id", read_only=True)
    account_number = serializers.CharField(source="account.number", read_only=True)
    site = serializers.CharField(source="site.public_id", read_only=True)
    address = serializers.CharField(source="site.label", read_only=True)
    run = serializers.CharField(source="run_public_id", read_only=True, help_text="Public id of its workflow run")
    items = OrderItemSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = (
            "public_id", "number", "state", "account", "account_number", "site", "address", "run", "payment_method",
            "contact_name", "contact_email", "contact_phone", "channel", "items", "submitted_at", "closed_at",
        )  # fmt: skip


class OptionInput(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=60)
    quantity = serializers.IntegerField(min_value=0, max_value=1000, default=1)

    def to_internal_value(self, data: Any) -> OptionChoice:  # type: ignore[override]
        return OptionChoice(**super().to_internal_value(data))


class PaymentInput(serializers.Serializer[Any]):
    """How it is paid. ``token`` stands for a card at the payment provider; never send a card number."""

    method = serializers.ChoiceField(choices=PaymentMethod.choices)
    token = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")

    def to_internal_value(self, data: Any) -> PaymentChoice:  # type: ignore[override]
        return PaymentChoice(**super().to_internal_value(data))


class QuoteInput(serializers.Serializer[Any]):
    plan = serializers.CharField(max_length=60, help_text="Key of a plan on sale")
    options = OptionInput(many=True, required=False, default=list)


class NewOrder(QuoteInput):
    """An order. Without ``account`` a new one is opened for ``contact``."""

    site = serializers.CharField(max_length=12, help_text="Public id of the address to be served")
    account = serializers.CharField(max_length=12, required=False)
    chosen = serializers.DictField(
        child=serializers.DictField(), required=False, default=dict, help_text="Values by feature and characteristic"
    )
    contact = ContactInput()
    payment = PaymentInput()


class QuoteLineSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    quantity = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    total = serializers.DecimalField(max_digits=12, decimal_places=2)
    unit = serializers.CharField()


class QuoteSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    monthly = serializers.DecimalField(max_digits=12, decimal_places=2)
    once = serializers.DecimalField(max_digits=12, decimal_places=2)
    lines = QuoteLineSerializer(many=True)


class ChargeSerializer(serializers.ModelSerializer[Charge]):
    account = serializers.CharField(source="account.public_id", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)

    class Meta:
        model = Charge
        fields = (
            "id", "account", "subscription", "kind", "state", "title", "quantity", "amount", "total", "currency",
            "starts_on", "ends_on",
        )  # fmt: skip
