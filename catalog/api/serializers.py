"""The catalog as the API shows it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boss.core import permissions
from catalog import configuration
from catalog.models import Feature, PlanFeature, PlanOption, PlanPrice, PlanVersion
from catalog.pricing import OptionChoice


class FeatureSerializer(serializers.ModelSerializer[Feature]):
    characteristics = serializers.ListField(child=serializers.DictField(), read_only=True)
    depends_on = serializers.SerializerMethodField()
    excludes = serializers.SerializerMethodField()

    class Meta:
        model = Feature
        fields = (
            "public_id", "key", "family", "title", "description", "characteristics", "fulfilment", "driver_family",
            "health_note", "usage_unit", "depends_on", "excludes",
        )  # fmt: skip

    def get_depends_on(self, feature: Feature) -> list[str]:
        return [relation.other.key for relation in feature.relations.all() if relation.kind == "depends_on"]

    def get_excludes(self, feature: Feature) -> list[str]:
        return [relation.other.key for relation in feature.relations.all() if relation.kind == "excludes"]


def _for_customer(serializer: serializers.BaseSerializer[Any]) -> bool:
    """The reader is a customer or a visitor: what is kept to the staff is not there."""
    actor = serializer.context["request"].actor
    return not permissions.acts_for_realm(actor, "catalog.view_plans_on_sale")


class SoldFeatureSerializer(serializers.ModelSerializer[Any]):
    """A row that brings a feature with fixed and choosable characteristics."""

    fixed = serializers.DictField()
    choosable = serializers.ListField(child=serializers.CharField())

    def to_representation(self, instance: PlanFeature | PlanOption) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.feature is not None and _for_customer(self):
            hidden = {item.key for item in instance.feature.schema if item.staff_only}
            shown["fixed"] = {key: value for key, value in shown["fixed"].items() if key not in hidden}
            shown["choosable"] = [key for key in shown["choosable"] if key not in hidden]
        return shown


class PlanFeatureSerializer(SoldFeatureSerializer):
    key = serializers.CharField(source="feature.key")
    title = serializers.CharField(source="feature.title")
    family = serializers.CharField(source="feature.family")

    class Meta:
        model = PlanFeature
        fields = ("key", "title", "family", "quantity", "fixed", "choosable")


class PlanOptionSerializer(SoldFeatureSerializer):
    feature = serializers.CharField(source="feature.key", default=None, allow_null=True)

    class Meta:
        model = PlanOption
        fields = ("key", "title", "feature", "minimum", "maximum", "choice_group", "fixed", "choosable")


class PlanPriceSerializer(serializers.ModelSerializer[PlanPrice]):
    option = serializers.CharField(source="option.key", default=None, allow_null=True)

    class Meta:
        model = PlanPrice
        fields = ("kind", "label", "amount", "option", "unit", "unit_size", "included", "most")


class PlanVersionSerializer(serializers.ModelSerializer[PlanVersion]):
    key = serializers.CharField(source="plan.key", read_only=True)
    title = serializers.CharField(source="plan.title", read_only=True)
    summary = serializers.CharField(source="plan.summary", read_only=True)
    category = serializers.CharField(source="plan.category", read_only=True)
    technologies = serializers.ListField(child=serializers.CharField(), read_only=True)
    features = PlanFeatureSerializer(many=True, read_only=True)
    options = PlanOptionSerializer(many=True, read_only=True)
    prices = PlanPriceSerializer(many=True, read_only=True)
    questions = serializers.SerializerMethodField(help_text="What the buyer chooses, by feature: characteristics")

    class Meta:
        model = PlanVersion
        fields = (
            "public_id", "key", "title", "summary", "category", "number", "state", "currency", "technologies",
            "term_months", "early_end_fee", "sold_from", "sold_until", "features", "options", "prices", "questions",
        )  # fmt: skip

    @extend_schema_field(serializers.DictField(child=serializers.ListField(child=serializers.DictField())))
    def get_questions(self, version: PlanVersion) -> dict[str, list[dict[str, Any]]]:
        everything = [OptionChoice(option.key, 1) for option in version.options.all()]
        asked = configuration.choosable(version, everything, by_customer=_for_customer(self))
        return {key: [question.to_json() for question in questions] for key, questions in asked.items()}


class AnyPlanVersionSerializer(PlanVersionSerializer):
    """For staff: also what is done when somebody orders it."""

    workflows = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Workflow definition by process"
    )

    class Meta(PlanVersionSerializer.Meta):
        fields = (*PlanVersionSerializer.Meta.fields, "workflows")  # type: ignore[assignment]


class UseWorkflows(serializers.Serializer[Any]):
    """The workflow definition of each process (activate, change, …): all of them."""

    workflows = serializers.DictField(child=serializers.CharField(max_length=80, allow_blank=True))
