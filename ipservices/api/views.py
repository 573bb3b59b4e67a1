"""Services, servers, driver calls, addresses and numbers on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import reads
from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.crypto import masked
from ipservices import selectors
from ipservices.api import comparing_serializers, serializers
from ipservices.errors import NotPractice
from ipservices.models import AddressAssignment, Binding, DriverCall, PhoneNumber, PortRequest, Prefix, Service
from ipservices.services import (
    bindings,
    comparing,
    conforming,
    holders,
    looking,
    numbers,
    porting,
    prefixes,
    provisioning,
    simulator,
)


class ServiceFilter(FilterSet):
    account = CharFilter("account__public_id")
    account_number = CharFilter("account__number")
    subscription = CharFilter("subscription__public_id")
    name = CharFilter("name")

    class Meta:
        model = Service
        fields = ("state", "family", "kind")


class ServiceViewSet(ReadOnlyViewSet):
    """What is provisioned for subscribers, and how it is at its server."""

    model = Service
    serializer_class = serializers.ServiceSerializer
    permission = "ipservices.view_service"
    filterset_class = ServiceFilter
    ordering_fields = ("created_at",)
    asking = ("observe", "try_out")

    def rows(self) -> QuerySet[Service]:
        return selectors.whole_services()

    @extend_schema(request=None, responses=serializers.ObservedSerializer)
    @action(detail=True, methods=["post"], permission="ipservices.observe_service")
    def observe(self, request: Request, public_id: str) -> Response:
        """Ask the server itself what it holds, past everything BOSS remembers."""
        found = looking.observe_now(actor=self.actor, service=self.get_object())
        shown = {
            "present": found is not None,
            "name": found.name if found else None,
            "service_ref": found.service_ref if found else None,
            "attributes": masked(dict(found.attributes)) if found else None,
            "restriction": str(found.restriction) if found else None,
            "switched_off": sorted(found.switched_off) if found else [],
            "sessions": found.sessions if found else 0,
        }
        return Response(shown)

    @extend_schema(request=None, responses=serializers.ServiceTrialSerializer)
    @action(detail=True, methods=["post"], url_path="try", permission="ipservices.observe_service")
    def try_out(self, request: Request, public_id: str) -> Response:
        """Ask through the service itself, as the subscriber's own program would, whether it works."""
        return Response({"works": looking.try_out(actor=self.actor, service=self.get_object())})

    @extend_schema(request=None, responses={202: serializers.ServiceSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def activate(self, request: Request, public_id: str) -> Response:
        """Have a planned service set up at its server."""
        return self.answer(provisioning.activate(actor=self.actor, service=self.get_object()), status=202)

    @extend_schema(request=serializers.SuspendInput, responses={202: serializers.ServiceSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service", input=serializers.SuspendInput)
    def suspend(self, request: Request, public_id: str) -> Response:
        """Restrict the service. The owner's own switches stay as they are."""
        row = provisioning.suspend(actor=self.actor, service=self.get_object(), **self.given())
        return self.answer(row, status=202)

    @extend_schema(request=None, responses={202: serializers.ServiceSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def resume(self, request: Request, public_id: str) -> Response:
        """Lift the restriction."""
        return self.answer(provisioning.resume(actor=self.actor, service=self.get_object()), status=202)

    @extend_schema(request=serializers.SwitchInput, responses={202: serializers.ServiceSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service", input=serializers.SwitchInput)
    def switch(self, request: Request, public_id: str) -> Response:
        """Set the owner's own switches."""
        row = provisioning.switch(actor=self.actor, service=self.get_object(), **self.given())
        return self.answer(row, status=202)

    @extend_schema(request=None, responses={202: serializers.ServiceSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def terminate(self, request: Request, public_id: str) -> Response:
        """Have the service taken off its server for good."""
        return self.answer(provisioning.terminate(actor=self.actor, service=self.get_object()), status=202)


class DriverCallFilter(FilterSet):
    service = CharFilter("service__public_id")
    binding = CharFilter("binding__public_id")
    account = CharFilter("service__account__public_id")

    class Meta:
        model = DriverCall
        fields = ("outcome", "operation")


class DriverCallViewSet(ReadOnlyViewSet):
    """Every call of a driver: a sentence, and the masked exchange."""

    model = DriverCall
    serializer_class = serializers.DriverCallSerializer
    permission = "ipservices.view_drivercall"
    filterset_class = DriverCallFilter
    ordering_fields = ("started_at",)

    def rows(self) -> QuerySet[DriverCall]:
        return selectors.whole_driver_calls()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        reads.note(actor=self.actor, read="driver_call.read", subject=DriverCall, after=request.query_params.dict())
        return super().list(request, *args, **kwargs)

    def get_object(self) -> Any:
        found = super().get_object()
        reads.note(actor=self.actor, read="driver_call.read", subject=found)
        return found


class BindingFilter(FilterSet):
    class Meta:
        model = Binding
        fields = ("family", "driver_key", "enabled", "healthy")


class BindingViewSet(ReadOnlyViewSet):
    """The servers of this provider. Secrets go in and never come out."""

    model = Binding
    serializer_class = serializers.BindingSerializer
    permission = "ipservices.view_binding"
    permissions: ClassVar[dict[str, str]] = {
        "create": "ipservices.manage_bindings",
        "partial_update": "ipservices.manage_bindings",
    }
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": serializers.NewBinding,
        "partial_update": serializers.BindingChange,
    }
    asking = ("test",)
    filterset_class = BindingFilter
    ordering_fields = ("family", "position")

    def rows(self) -> QuerySet[Binding]:
        return selectors.whole_bindings()

    def create(self, request: Request) -> Response:
        return self.answer(bindings.create(actor=self.actor, **self.given()), status=201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change settings, secrets (as a whole), order, or switch it off and on."""
        return self.answer(bindings.change(actor=self.actor, binding=self.get_object(), **self.given()))

    @extend_schema(request=None, responses=serializers.HealthSerializer)
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings")
    def test(self, request: Request, public_id: str) -> Response:
        """Look at the server now, through the service itself too."""
        binding = self.get_object()
        bindings.test(actor=self.actor, binding=binding)
        found = bindings.look(binding=binding)
        return Response(serializers.HealthSerializer(found).data)

    @extend_schema(methods=["get"], responses=serializers.ConformanceReportSerializer(many=True))
    @extend_schema(methods=["post"], request=None, responses={202: serializers.ConformanceReportSerializer})
    @action(
        detail=True, methods=["get", "post"], permission="ipservices.manage_bindings",
        pagination_class=None, filterset_class=None,
    )  # fmt: skip
    def conformance(self, request: Request, public_id: str) -> Response:
        """The latest reports of the conformance kit; POST has a worker run it."""
        binding = self.get_object()
        if request.method == "POST":
            report = conforming.ask(actor=self.actor, binding=binding)
            return Response(serializers.ConformanceReportSerializer(report).data, status=202)
        found = selectors.list_conformance_reports(binding)[:10]
        return Response(serializers.ConformanceReportSerializer(found, many=True).data)

    @extend_schema(responses=serializers.HeldSerializer(many=True))
    @action(detail=True, permission="ipservices.observe_service", pagination_class=None, filterset_class=None)
    def held(self, request: Request, public_id: str) -> Response:
        """Everything the server itself holds that carries a service id of BOSS."""
        found = looking.held_now(actor=self.actor, binding=self.get_object())
        return Response(serializers.HeldSerializer(found, many=True).data)

    @extend_schema(request=None, responses={202: comparing_serializers.ComparisonSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.observe_service")
    def compare(self, request: Request, public_id: str) -> Response:
        """Compare what is sold, planned and on this server now; one under way is given instead of a second."""
        found = comparing.start(actor=self.actor, binding=self.get_object())
        return Response(comparing_serializers.ComparisonSerializer(found).data, status=202)

    @extend_schema(methods=["get"], request=None, responses=serializers.FaultsSerializer)
    @extend_schema(methods=["post"], request=serializers.FaultInput, responses=serializers.FaultsSerializer)
    @action(detail=True, methods=["get", "post"], permission="ipservices.set_fault", input=serializers.FaultInput)
    def faults(self, request: Request, public_id: str) -> Response:
        """The failure sliders of a simulated server; POST moves one."""
        binding = self.get_object()
        if request.method == "POST":
            return Response({"faults": simulator.set_fault(actor=self.actor, binding=binding, **self.given())})
        found = simulator.faults_of(actor=self.actor, binding=binding)
        if found is None:
            raise NotPractice(binding=binding.public_id)
        return Response({"faults": found})

    @extend_schema(request=None, responses=serializers.FaultsSerializer)
    @action(detail=True, methods=["post"], permission="ipservices.set_fault")
    def clear_faults(self, request: Request, public_id: str) -> Response:
        """Put every slider to rest."""
        simulator.clear_faults(actor=self.actor, binding=self.get_object())
        return Response({"faults": {}})


class AddressFilter(FilterSet):
    service = CharFilter("service__public_id")
    account = CharFilter("service__account__public_id")
    prefix = CharFilter("prefix__network")
    address = CharFilter("address")

    class Meta:
        model = AddressAssignment
        fields = ("vrf",)


class AddressViewSet(ReadOnlyViewSet):
    """Addresses and prefixes that are handed out."""

    model = AddressAssignment
    serializer_class = serializers.AddressSerializer
    permission = "ipservices.view_addressassignment"
    filterset_class = AddressFilter
    ordering_fields = ("assigned_at",)

    def rows(self) -> QuerySet[AddressAssignment]:
        return selectors.whole_addresses()

    @extend_schema(
        parameters=[serializers.HolderQuestion], responses=serializers.HolderSerializer(many=True), filters=False
    )
    @action(detail=False, methods=["get"], permission="ipservices.see_address_holder", pagination_class=None)
    def holder(self, request: Request) -> Response:
        """Who had an address at a moment. Every question is noted in the audit trail."""
        asked = serializers.HolderQuestion(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = holders.who_had(actor=self.actor, **asked.validated_data)
        return Response(serializers.HolderSerializer(found, many=True).data)


class PrefixViewSet(ReadOnlyViewSet):
    """Ranges to hand out from."""

    model = Prefix
    serializer_class = serializers.PrefixSerializer
    permission = "ipservices.view_prefix"
    permissions: ClassVar[dict[str, str]] = {"create": "ipservices.manage_addresses"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewPrefix}
    ordering_fields = ("position",)

    def rows(self) -> QuerySet[Prefix]:
        return selectors.whole_prefixes()

    def create(self, request: Request) -> Response:
        return self.answer(prefixes.create(actor=self.actor, **self.given()), status=201)


class NumberFilter(FilterSet):
    service = CharFilter("service__public_id")
    account = CharFilter("service__account__public_id")

    class Meta:
        model = PhoneNumber
        fields = ("state", "number", "area")


class NumberViewSet(ReadOnlyViewSet):
    """Telephone numbers, free and in use."""

    model = PhoneNumber
    serializer_class = serializers.NumberSerializer
    permission = "ipservices.view_phonenumber"
    filterset_class = NumberFilter
    ordering_fields = ("number",)

    def rows(self) -> QuerySet[PhoneNumber]:
        return selectors.whole_numbers()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], permission="ipservices.manage_numbers")
    def end_rest(self, request: Request, public_id: str) -> Response:
        """A resting number is free before its time: somebody has made sure that nobody misses it."""
        return self.answer(numbers.end_rest(actor=self.actor, number=self.get_object()))


class PortRequestFilter(FilterSet):
    subscription = CharFilter("subscription__public_id")
    number = CharFilter("number")
    reference = CharFilter("reference")

    class Meta:
        model = PortRequest
        fields = ("state",)


class PortRequestViewSet(ReadOnlyViewSet):
    """Numbers asked of other providers, and what they said."""

    model = PortRequest
    serializer_class = serializers.PortRequestSerializer
    permission = "ipservices.view_portrequest"
    filterset_class = PortRequestFilter
    ordering_fields = ("asked_at",)

    def rows(self) -> QuerySet[PortRequest]:
        return selectors.whole_port_requests()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], permission="ipservices.manage_numbers")
    def heard(self, request: Request, public_id: str) -> Response:
        """The clearing house has news: its status is asked at once instead of at the next look."""
        return self.answer(porting.heard(actor=self.actor, request=self.get_object()))
