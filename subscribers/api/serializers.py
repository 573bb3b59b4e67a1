"""Accounts, orders and subscriptions as the API shows and reads them."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers

from boss.core import permissions
from boss.core.api.serializers import RowSerializer
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.choices import OrderReason, PaidBy, PaymentMethod
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import (
    Account,
    Charge,
    Collection,
    Lease,
    Order,
    OrderItem,
    Payment,
    Statement,
    Subscription,
)


class AccountSerializer(RowSerializer):
    for_customers = (
        "public_id", "number", "name", "state", "email", "phone", "language", "organization", "site", "address",
        "opened_at", "activated_at", "closed_at",
    )  # fmt: skip

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


class SubscriptionSerializer(RowSerializer):
    for_customers = (
        "public_id", "account", "site", "address", "plan", "plan_title", "plan_version", "state", "options", "features",
        "created_at", "active_from", "ended_on",
    )  # fmt: skip

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


class OrderItemSerializer(RowSerializer):
    for_customers = (
        "action", "plan", "plan_title", "subscription", "options", "chosen", "monthly", "once", "currency",
    )  # fmt: skip

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


class OrderSerializer(RowSerializer):
    # The run is the machine's: customers see the stages of their order.
    for_customers = (
        "public_id", "number", "state", "account", "account_number", "site", "address", "payment_method",
        "contact_name", "contact_email", "contact_phone", "channel", "wanted_on", "reason", "items", "submitted_at",
        "closed_at",
    )  # fmt: skip

    account = serializers.CharField(source="account.public_id", read_only=True)
    account_number = serializers.CharField(source="account.number", read_only=True)
    site = serializers.CharField(source="site.public_id", read_only=True)
    address = serializers.CharField(source="site.label", read_only=True)
    run = serializers.CharField(source="run_public_id", read_only=True, help_text="Public id of its workflow run")
    items = OrderItemSerializer(many=True, read_only=True)
    reason = serializers.CharField(read_only=True, help_text="Why it ends, where the customer said so; else empty")

    class Meta:
        model = Order
        fields = (
            "public_id", "number", "state", "account", "account_number", "site", "address", "run", "payment_method",
            "contact_name", "contact_email", "contact_phone", "channel", "wanted_on", "reason", "items", "submitted_at",
            "closed_at",
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


class ChargeSerializer(RowSerializer):
    for_customers = (
        "id", "account", "subscription", "kind", "state", "title", "quantity", "amount", "total", "currency",
        "starts_on", "ends_on",
    )  # fmt: skip

    account = serializers.CharField(source="account.public_id", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)

    class Meta:
        model = Charge
        fields = (
            "id", "account", "subscription", "kind", "state", "title", "quantity", "amount", "total", "currency",
            "starts_on", "ends_on",
        )  # fmt: skip


class ChangePlan(serializers.Serializer[Any]):
    """Another plan. Without ``options`` those it has are kept as far as the new plan offers them."""

    plan = serializers.CharField(max_length=60, help_text="Key of a plan on sale")
    options = OptionInput(many=True, required=False)
    chosen = serializers.DictField(child=serializers.DictField(), required=False, default=dict)


class BringNumber(serializers.Serializer[Any]):
    """A number that comes from another provider."""

    number = serializers.CharField(max_length=20)
    losing_carrier = serializers.CharField(max_length=80)
    account_number = serializers.CharField(max_length=40)


class Disconnect(serializers.Serializer[Any]):
    wanted_on = serializers.DateField(required=False, help_text="Today when left out")
    reason = serializers.ChoiceField(choices=OrderReason.choices, required=False, default="")


class Amendment(serializers.Serializer[Any]):
    """All options the order shall have, and what is chosen with them."""

    options = OptionInput(many=True, required=False, default=list)
    chosen = serializers.DictField(
        child=serializers.DictField(), required=False, default=dict, help_text="Values by feature and characteristic"
    )
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class WinBack(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200, required=False, default="")


class StatementSerializer(RowSerializer):
    for_customers = ("public_id", "account", "period_from", "period_to", "due_on", "lines", "total", "currency")

    account = serializers.CharField(source="account.public_id", read_only=True)
    lines = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Statement
        fields = ("public_id", "account", "period_from", "period_to", "due_on", "lines", "total", "currency")


class PaymentSerializer(RowSerializer):
    for_customers = ("public_id", "account", "amount", "currency", "paid_by", "reference", "received_at")

    account = serializers.CharField(source="account.public_id", read_only=True)

    class Meta:
        model = Payment
        fields = ("public_id", "account", "amount", "currency", "paid_by", "reference", "received_at")


class NewPayment(serializers.Serializer[Any]):
    """Money that came in. ``key`` is the payer's system's own: sent twice it counts once."""

    account = serializers.CharField(max_length=12, help_text="Public id")
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    paid_by = serializers.ChoiceField(choices=PaidBy.choices)
    reference = serializers.CharField(max_length=100, required=False, default="")
    key = serializers.CharField(max_length=100, required=False)


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    account = serializers.CharField(source="account.public_id", read_only=True)
    run = serializers.CharField(source="run_public_id", read_only=True, help_text="Public id of its workflow run")

    class Meta:
        model = Collection
        fields = (
            "public_id", "account", "state", "overdue_since", "amount", "currency", "run", "opened_at", "closed_at",
        )  # fmt: skip


class LeaseSerializer(RowSerializer):
    # What the owner sent himself. The resident's order is between him and the provider.
    for_customers = (
        "public_id", "organization", "reference", "site", "address", "state", "resident_name", "resident_email",
        "resident_phone", "starts_on", "ends_on", "received_at",
    )  # fmt: skip

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    site = serializers.CharField(source="site.public_id", read_only=True)
    address = serializers.CharField(source="site.label", read_only=True)
    order = serializers.CharField(source="order.public_id", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Lease
        fields = (
            "public_id", "organization", "reference", "site", "address", "state", "resident_name", "resident_email",
            "resident_phone", "starts_on", "ends_on", "order", "received_at",
        )  # fmt: skip


class NewLease(serializers.Serializer[Any]):
    """One line of an owner's lease feed."""

    organization = serializers.CharField(max_length=12, help_text="Public id of the owner")
    reference = serializers.CharField(max_length=60, help_text="The owner's own number: sent twice it counts once")
    site = serializers.CharField(max_length=12, help_text="Public id of the unit")
    resident = ContactInput()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True)
