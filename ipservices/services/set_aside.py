"""What the inventory has set aside for some subscriptions: addresses, numbers, and who is beside whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from ipservices.choices import ServiceState
from ipservices.models import AddressAssignment, PhoneNumber, Service


class SetAside:
    """Read when first asked for, once for all the subscriptions; hundreds at a time. Use it within a transaction."""

    def __init__(self, subscription_ids: Iterable[int]) -> None:
        self._ids = set(subscription_ids)

    def beside(self, service: Service) -> list[Service]:
        """The living services of the same subscription, itself among them, oldest first."""
        return self._services[service.subscription_id]

    def addresses(self, service: Service) -> list[AddressAssignment]:
        """What the service itself has, oldest first."""
        mine = [row for row in self.around(service) if row.service_id == service.pk]
        return sorted(mine, key=lambda row: row.pk)

    def around(self, service: Service) -> list[AddressAssignment]:
        """What the living services of its subscription have, in the order of features, ordinals and time."""
        return self._addresses[service.subscription_id]

    def number(self, service: Service) -> PhoneNumber | None:
        """The oldest telephone number of a service."""
        return self._numbers.get(service.pk)

    @cached_property
    def _services(self) -> dict[int, list[Service]]:
        found: dict[int, list[Service]] = defaultdict(list)
        rows = Service.objects.filter(subscription_id__in=self._ids).exclude(state=ServiceState.TERMINATED)
        for row in rows.order_by("id"):
            found[row.subscription_id].append(row)
        return found

    @cached_property
    def _addresses(self) -> dict[int, list[AddressAssignment]]:
        found: dict[int, list[AddressAssignment]] = defaultdict(list)
        rows = AddressAssignment.objects.filter(service__subscription_id__in=self._ids)
        rows = rows.exclude(service__state=ServiceState.TERMINATED).select_related("prefix", "service")
        for row in rows.order_by("service__feature_key", "service__ordinal", "id"):
            found[row.service.subscription_id].append(row)
        return found

    @cached_property
    def _numbers(self) -> dict[int, PhoneNumber]:
        found: dict[int, PhoneNumber] = {}
        for row in PhoneNumber.objects.filter(service__subscription_id__in=self._ids).order_by("-id"):
            found[row.service_id] = row
        return found
