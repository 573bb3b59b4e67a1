"""Plans: what is offered. A plan has versions; a published version never changes, so what was sold stays known."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable, RealmScoped
from catalog.choices import PlanVersionState, PriceKind
from catalog.models.features import Feature


class Plan(Addressable):
    """The lasting name of an offer, for instance ``triple-300``. ``category`` groups plans on the portal."""

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    key = models.SlugField(_("key"), max_length=60, db_index=False)
    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(_("summary"), max_length=300, blank=True, default="")
    category = models.CharField(_("category"), max_length=40, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=100)

    class Meta(Addressable.Meta):
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["position", "title"]
        constraints = [models.UniqueConstraint(fields=["realm_id", "key"], name="catalog_plan_key_once")]
        permissions = [("publish_plan", "Can publish and retire plan versions")]

    def __str__(self) -> str:
        return self.title


class PlanVersion(FSMModelMixin, Addressable):
    """One version of a plan: features, options, prices, term, eligibility and workflows.

    Drafts may change; a database trigger refuses any change to a published or retired version and what hangs on it
    (except its state). ``sold_from``/``sold_until`` is a half-open range of days. ``technologies`` lists where it may
    be sold; empty means everywhere. ``workflows`` maps a process (``activate``) to a workflow definition key.
    Money of a version is all in one ``currency``.
    """

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    state = FSMField(
        _("state"), default=PlanVersionState.DRAFT, choices=PlanVersionState.choices, protected=True, max_length=10
    )
    currency = models.CharField(_("currency"), max_length=3)
    technologies = models.JSONField(_("technologies"), default=list, blank=True)
    workflows = models.JSONField(_("workflows"), default=dict, blank=True)
    term_months = models.PositiveSmallIntegerField(_("term in months"), default=0)
    early_end_fee = models.DecimalField(
        _("fee per month left"), max_digits=10, decimal_places=2, default=Decimal("0.00")
    )
    sold_from = models.DateField(_("sold from"), null=True, blank=True)
    sold_until = models.DateField(_("sold until"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, editable=False)

    class Meta(Addressable.Meta):
        verbose_name = _("plan version")
        verbose_name_plural = _("plan versions")
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "plan", "number"], name="catalog_version_number_once"),
            models.UniqueConstraint(
                fields=["realm_id", "plan"],
                condition=Q(state=PlanVersionState.PUBLISHED),
                name="catalog_one_version_on_sale",
            ),
            models.CheckConstraint(
                condition=Q(sold_until=None) | Q(sold_from=None) | Q(sold_until__gt=models.F("sold_from")),
                name="catalog_sold_range",
            ),
            models.CheckConstraint(condition=Q(early_end_fee__gte=0), name="catalog_early_end_fee_positive"),
        ]
        permissions = [("view_plans_on_sale", "Can see the plans on sale")]

    def __str__(self) -> str:
        return f"{self.plan.title} v{self.number}"

    @transition(field=state, source=PlanVersionState.DRAFT, target=PlanVersionState.PUBLISHED)
    def publish(self) -> None:
        """Put on sale."""

    @transition(field=state, source=PlanVersionState.PUBLISHED, target=PlanVersionState.RETIRED)
    def retire(self) -> None:
        """Take off sale; who has it keeps it."""

    @property
    def title(self) -> str:
        return self.plan.title


class PlanFeature(RealmScoped):
    """A feature contained in a plan version.

    ``fixed`` gives values by characteristic; ``choosable`` lists the characteristics the buyer chooses; what is in
    neither is filled in later by provisioning or by staff.
    """

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    plan_version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="features")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    fixed = models.JSONField(_("fixed values"), default=dict, blank=True)
    choosable = models.JSONField(_("chosen by the buyer"), default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(RealmScoped.Meta):
        verbose_name = _("feature of a plan")
        verbose_name_plural = _("features of a plan")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "plan_version", "feature"], name="catalog_planfeature_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="catalog_planfeature_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.feature.title}"


class PlanOption(RealmScoped):
    """Something the buyer may add: between ``minimum`` and ``maximum`` of it, each at the prices that name it.

    Options sharing a ``choice_group`` are alternatives: exactly one of them is taken (self-install or technician).
    """

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    plan_version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="options")
    key = models.SlugField(_("key"), max_length=60, db_index=False)
    title = models.CharField(_("title"), max_length=120)
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+", null=True, blank=True)
    minimum = models.PositiveSmallIntegerField(_("minimum"), default=0)
    maximum = models.PositiveSmallIntegerField(_("maximum"), default=1)
    choice_group = models.CharField(_("one of the group"), max_length=40, blank=True, default="")
    fixed = models.JSONField(_("fixed values"), default=dict, blank=True)
    choosable = models.JSONField(_("chosen by the buyer"), default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(RealmScoped.Meta):
        verbose_name = _("option of a plan")
        verbose_name_plural = _("options of a plan")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "plan_version", "key"], name="catalog_option_key_once"),
            models.CheckConstraint(condition=Q(maximum__gte=models.F("minimum")), name="catalog_option_range"),
        ]

    def __str__(self) -> str:
        return self.title


class PlanPrice(RealmScoped):
    """One price. Without ``option`` it is the plan's own; with it, it is per unit of that option.

    Usage prices are ``amount`` per ``unit_size`` ``unit`` after ``included``; 0 in ``most`` means no ceiling a month.
    """

    realm_only = "what is on sale is one list for all, with a permission of its own"
    portal_reads = True

    plan_version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="prices")
    option = models.ForeignKey(PlanOption, models.CASCADE, related_name="prices", null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=PriceKind.choices)
    label = models.CharField(_("label"), max_length=120)
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2)
    unit = models.CharField(_("unit"), max_length=20, blank=True, default="")
    unit_size = models.PositiveIntegerField(_("unit size"), default=1)
    included = models.PositiveIntegerField(_("included"), default=0)
    most = models.DecimalField(_("at most a month"), max_digits=10, decimal_places=2, default=Decimal("0.00"))
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(RealmScoped.Meta):
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=PriceKind.USAGE) | ~Q(unit=""), name="catalog_usage_price_has_unit"
            ),
            models.CheckConstraint(condition=Q(unit_size__gte=1), name="catalog_price_unit_size"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.amount} {self.plan_version.currency}"
