"""Services, servers, driver calls, addresses and numbers as the API shows and reads them. No secret ever."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from boss.core.api.serializers import RowSerializer
from boss.core.crypto import masked
from ipservices.choices import Placement, RestrictionLevel
from ipservices.drivers.simulator.faults import SLIDERS
from ipservices.models import (
    AddressAssignment,
    Binding,
    BindingNode,
    ConformanceReport,
    DriverCall,
    PhoneNumber,
    PortRequest,
    Prefix,
    Service,
)


class MaskedDict(serializers.DictField):
    """A JSON object with everything under a secret-sounding key replaced by dots."""

    def to_representation(self, value: Any) -> Any:
        return masked(value)


class ServiceSerializer(RowSerializer):
    # Not shown: which server it is on, what is set there and what it answers, nor the words a block was given with.
    for_customers = (
        "public_id", "account", "account_number", "subscription", "site", "feature_key", "title", "family", "kind",
        "name", "state", "restriction", "switched_off", "is_behind", "created_at", "activated_at", "terminated_at",
    )  # fmt: skip

    account = serializers.CharField(source="account.public_id", read_only=True)
    account_number = serializers.CharField(source="account.number", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)
    site = serializers.CharField(source="site.public_id", read_only=True)
    server = serializers.CharField(source="binding.name", read_only=True, default=None, allow_null=True)
    desired = MaskedDict(read_only=True)
    observed = MaskedDict(read_only=True, allow_null=True)
    drift = serializers.ListField(child=serializers.DictField(), read_only=True)
    switched_off = serializers.ListField(child=serializers.CharField(), read_only=True)
    is_behind = serializers.BooleanField(read_only=True, help_text="The server has not confirmed the latest change")

    class Meta:
        model = Service
        fields = (
            "public_id", "account", "account_number", "subscription", "site", "feature_key", "title", "family", "kind",
            "name", "state", "server", "desired", "restriction", "restriction_reason", "switched_off", "observed",
            "observed_at", "drift", "is_behind", "created_at", "activated_at", "terminated_at",
        )  # fmt: skip


class SuspendInput(serializers.Serializer[Any]):
    restriction = serializers.ChoiceField(
        choices=[choice for choice in RestrictionLevel.choices if choice[0] != "none"], default="blocked"
    )
    reason = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class SwitchInput(serializers.Serializer[Any]):
    switched_off = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=100, help_text="The owner's switches that are off"
    )


class ObservedSerializer(serializers.Serializer[Any]):
    """What the server itself holds at this moment."""

    present = serializers.BooleanField()
    name = serializers.CharField(allow_null=True)
    service_ref = serializers.CharField(allow_null=True)
    attributes = serializers.DictField(allow_null=True)
    restriction = serializers.CharField(allow_null=True)
    switched_off = serializers.ListField(child=serializers.CharField())
    sessions = serializers.IntegerField()


class ServiceTrialSerializer(serializers.Serializer[Any]):
    """What came of using a service just now."""

    works = serializers.BooleanField(allow_null=True, help_text="null: its driver has no way to tell")


class DriverCallSerializer(serializers.ModelSerializer[DriverCall]):
    service = serializers.CharField(source="service.public_id", read_only=True, default=None, allow_null=True)
    server = serializers.CharField(source="binding.name", read_only=True)
    request = serializers.DictField(read_only=True)
    answer = serializers.ListField(child=serializers.DictField(), read_only=True)
    run = serializers.CharField(source="run_public_id", read_only=True, help_text="The run that called; else empty")

    class Meta:
        model = DriverCall
        fields = (
            "public_id", "service", "server", "operation", "sentence", "outcome", "error_code", "error", "attempt",
            "request", "answer", "run", "actor_label", "started_at", "milliseconds",
        )  # fmt: skip


class BindingNodeSerializer(serializers.ModelSerializer[BindingNode]):
    settings = serializers.DictField(read_only=True)

    class Meta:
        model = BindingNode
        fields = ("name", "settings", "failed_at", "detail")


class BindingSerializer(serializers.ModelSerializer[Binding]):
    settings = serializers.DictField(read_only=True)
    rules = serializers.DictField(read_only=True)
    nodes = BindingNodeSerializer(many=True, read_only=True, help_text="In the order they are tried")

    class Meta:
        model = Binding
        fields = (
            "public_id", "name", "driver_key", "family", "placement", "settings", "nodes", "rules", "position",
            "enabled", "deadline_seconds", "healthy", "created_at",
        )  # fmt: skip


class BindingNodeInput(serializers.Serializer[Any]):
    """One machine of a server that has several: what is set in place of the binding's own settings."""

    name = serializers.CharField(max_length=80)
    settings = serializers.DictField()


class NewBinding(serializers.Serializer[Any]):
    """A server to provision on. ``secrets`` are stored sealed and never shown again."""

    name = serializers.CharField(max_length=80, required=False, default="")
    driver_key = serializers.CharField(max_length=60)
    family = serializers.CharField(max_length=30)
    settings = serializers.DictField(required=False, default=dict)
    secrets = serializers.DictField(child=serializers.CharField(), required=False, default=dict)
    rules = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)
    position = serializers.IntegerField(min_value=0, max_value=32000, required=False, default=100)
    deadline_seconds = serializers.FloatField(min_value=0.1, max_value=120, required=False, default=10)
    placement = serializers.ChoiceField(choices=Placement.choices, required=False, default=Placement.ON_SITE)
    nodes = BindingNodeInput(many=True, required=False)


class BindingChange(serializers.Serializer[Any]):
    settings = serializers.DictField(required=False)
    secrets = serializers.DictField(child=serializers.CharField(), required=False)
    enabled = serializers.BooleanField(required=False)
    position = serializers.IntegerField(min_value=0, max_value=32000, required=False)
    rules = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)
    deadline_seconds = serializers.FloatField(min_value=0.1, max_value=120, required=False)
    placement = serializers.ChoiceField(choices=Placement.choices, required=False)
    nodes = BindingNodeInput(many=True, required=False)


class HealthSerializer(serializers.Serializer[Any]):
    """One look at a server, just now."""

    control = serializers.BooleanField(help_text="BOSS can change things")
    service = serializers.BooleanField(help_text="Subscribers are served, proved through the service")
    detail = serializers.CharField(allow_blank=True)
    milliseconds = serializers.IntegerField()


class ConformanceReportSerializer(serializers.ModelSerializer[ConformanceReport]):
    """``results``: kind, check, outcome (kept, broken, not_asked, means_nothing), detail, milliseconds."""

    results = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = ConformanceReport
        fields = ("public_id", "started_at", "finished_at", "passed", "broken", "results")


class HeldSerializer(serializers.Serializer[Any]):
    """One native object of a server."""

    service_ref = serializers.CharField(help_text="svc- and the service's public id")
    kind = serializers.CharField()
    name = serializers.CharField()


class FaultInput(serializers.Serializer[Any]):
    fault = serializers.ChoiceField(choices=[(slider.key, slider.title) for slider in SLIDERS])
    value = serializers.JSONField(help_text="true or false, seconds, or a word; null puts the slider to rest")


class FaultsSerializer(serializers.Serializer[Any]):
    faults = serializers.DictField(help_text="Sliders that are not at rest")


class AddressSerializer(serializers.ModelSerializer[AddressAssignment]):
    prefix = serializers.CharField(source="prefix.network", read_only=True)
    service = serializers.CharField(source="service.public_id", read_only=True, default=None, allow_null=True)

    class Meta:
        model = AddressAssignment
        fields = ("public_id", "vrf", "address", "length", "prefix", "service", "assigned_at")


class HolderQuestion(serializers.Serializer[Any]):
    """Which address, and at which moment."""

    address = serializers.IPAddressField()
    at = serializers.DateTimeField()
    vrf = serializers.CharField(max_length=40, required=False, default="default")


class HolderSerializer(serializers.Serializer[Any]):
    """``assigned``: whom the address was given to; ``seen``: whom a server saw with it."""

    told_by = serializers.ChoiceField(choices=["assigned", "seen"])
    address = serializers.CharField()
    service = serializers.CharField(source="service.public_id", default=None, allow_null=True)
    account = serializers.CharField(source="service.account.number", default=None, allow_null=True)
    identifier = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True)


class PrefixSerializer(serializers.ModelSerializer[Prefix]):
    class Meta:
        model = Prefix
        fields = (
            "public_id", "vrf", "network", "version", "unit_length", "kind", "purpose", "gateway", "size", "created_at",
        )  # fmt: skip


class NewPrefix(serializers.Serializer[Any]):
    """A range to hand out from, in units of ``unit_length`` (default: single addresses)."""

    network = serializers.CharField(max_length=43)
    unit_length = serializers.IntegerField(min_value=1, max_value=128, required=False)
    purpose = serializers.CharField(max_length=20, required=False, default="dynamic")
    gateway = serializers.IPAddressField(required=False)
    vrf = serializers.CharField(max_length=40, required=False, default="default")


class NumberSerializer(serializers.ModelSerializer[PhoneNumber]):
    service = serializers.CharField(source="service.public_id", read_only=True, default=None, allow_null=True)

    class Meta:
        model = PhoneNumber
        fields = ("public_id", "number", "state", "area", "service", "losing_carrier", "available_from", "changed_at")


class PortRequestSerializer(serializers.ModelSerializer[PortRequest]):
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)

    class Meta:
        model = PortRequest
        fields = (
            "public_id", "subscription", "number", "losing_carrier", "account_number", "state", "tries", "reference",
            "reject_code", "reject_reason", "firm_on", "asked_at", "changed_at",
        )  # fmt: skip
