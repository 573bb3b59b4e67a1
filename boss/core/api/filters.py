"""Filters of lists: declared fields and expressions, public ids instead of choices of rows."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from django.db import models
from django_filters import rest_framework as filters

from boss.core import scoping
from boss.core.scoping import Scope


class FilterSet(filters.FilterSet):
    """django-filter's, made usable outside a realm: it draws (and never runs) a query to look at a field.

    A relation in ``Meta.fields`` is refused: it would become a choice among rows, loaded for every request and
    addressed by inner ids. Declare ``account = CharFilter("account__public_id")`` instead.
    """

    @classmethod
    def get_filters(cls) -> OrderedDict[str, Any]:
        with scoping.enter(Scope(None, "filters", system=True)):
            return super().get_filters()  # type: ignore[no-any-return]

    @classmethod
    def filter_for_field(cls, field: models.Field[Any, Any], field_name: str, lookup_expr: str | None = None) -> Any:
        if field.is_relation:
            raise TypeError(f"{cls.__name__}: filter {field_name} by a public id, not by choice")
        return super().filter_for_field(field, field_name, lookup_expr)


class FilterBackend(filters.DjangoFilterBackend):
    filterset_base = FilterSet

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        """Refuses a filter set of another make."""
        found = super().get_filterset_class(view, queryset)
        if found is not None and not issubclass(found, FilterSet):
            raise TypeError(f"{found.__name__} must inherit boss.core.api.filters.FilterSet")
        return found
