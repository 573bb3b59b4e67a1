"""Pages by cursor: no ``count(*)`` and no offset, so page 10,000 costs what page 1 costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from boss.core.problems import InvalidInput

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module: at run time that would be a circle.
    from rest_framework.views import APIView


class CursorPagination(pagination.CursorPagination):
    """Newest first unless the view says otherwise; 50 rows, ``limit`` asks for up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        """The order asked for, with the key at its end so that rows of one value keep their places."""
        ordering = tuple(super().get_ordering(request, queryset, view))
        if any(name.lstrip("-") in ("id", "pk") for name in ordering):
            return ordering
        return (*ordering, "-id" if ordering[0].startswith("-") else "id")

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, ValidationError):
            # A cursor is ours to make and nobody's to write; a forged one is bad input, not a missing list.
            raise InvalidInput(fields={"cursor": [_("This is not a cursor of this list.")]}) from None
