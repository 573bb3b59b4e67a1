"""The viewsets every resource of the API is built on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, cast

from django.db import models, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import mixins, viewsets
from rest_framework.filters import OrderingFilter
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.api import etags, idempotency
from boss.core.api.filters import FilterBackend
from boss.core.api.parsers import JSONParser
from boss.core.api.permissions import DeclaredPermission
from boss.core.scoping import RealmScoped, ScopedQuerySet

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class BossViewSet(viewsets.GenericViewSet[Any]):
    """Rows of ``model`` that the actor may see, addressed by public id; every action declares its permission.

    ``permission`` holds for each action that has none of its own: ``permissions`` names those of the standard
    actions, ``@action(…, permission="…")`` those of the others. ``public = True`` opens the whole resource;
    ``permissions = {"list": PUBLIC}`` one action.
    ``inputs`` and ``@action(…, input=…)`` name the serializer that reads the body; ``given()`` returns its values.
    ``etagged`` is for what two people may edit: reads carry an ETag, changes must send it as If-Match.
    ``unremembered`` names members of an answer that a replay by Idempotency-Key leaves out: secrets shown once.
    ``asking`` names actions that ask somebody outside and change nothing: they get by with the request's transaction,
    so that it can be left meanwhile (:func:`scoping.between_transactions`).
    """

    model: ClassVar[type[RealmScoped]]
    permission: str = ""
    permissions: ClassVar[dict[str, str]] = {}
    public: bool = False
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {}
    input: type[Serializer[Any]] | None = None
    etagged: ClassVar[bool] = False
    unremembered: ClassVar[tuple[str, ...]] = ()
    asking: ClassVar[tuple[str, ...]] = ()

    permission_classes = (DeclaredPermission,)
    parser_classes: Sequence[type[BaseParser]] = (JSONParser,)
    filter_backends = (FilterBackend, OrderingFilter)
    lookup_field = "public_id"
    lookup_value_regex = "[0-9a-z]{12}"
    ordering_fields: Any = ()
    # Named here so that an ``@action`` may do without: ``@action(…, filterset_class=None)``.
    filterset_class: Any = None
    filterset_fields: Any = None

    # What is shown

    @property
    def actor(self) -> Actor:
        return cast(Actor, self.request.actor)  # type: ignore[attr-defined]

    def rows(self) -> models.QuerySet[Any]:
        """The room's own selector with its prefetches. Narrowing to the actor is done afterwards, always."""
        return cast("models.QuerySet[Any]", self.model.objects.all())

    def get_queryset(self) -> models.QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn outside any realm
            return models.QuerySet(self.model).none()
        rows = self.rows()
        if not isinstance(rows, ScopedQuerySet):
            raise TypeError(f"{type(self).__name__}.rows() must come from {self.model.__name__}.objects")
        return rows.visible_to(self.actor)

    def get_object(self) -> Any:
        """The row of the address, or 404; locked while it is being changed against an ETag."""
        if self.etagged and self.request.method not in SAFE_METHODS:
            rows = self.filter_queryset(self.get_queryset())
            key = rows.filter(public_id=self.kwargs[self.lookup_field]).values("pk")[:1]
            # Locked without the prefetches and joins, which FOR UPDATE cannot always bear.
            list(self.model.objects.select_for_update().filter(pk__in=list(key.values_list("pk", flat=True))))
        subject = super().get_object()
        if self.etagged and self.request.method not in SAFE_METHODS:
            etags.check(self.request, etags.etag(self.get_serializer(subject).data))
        return subject

    # What is given and answered

    def given(self) -> dict[str, Any]:
        """The values of the body, cleaned by the action's input serializer. Raises 422 with the fields."""
        reader = self.input or self.inputs[self.action]
        serializer = reader(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return cast("dict[str, Any]", serializer.validated_data)

    def answer(self, subject: models.Model, *, status: int = 200) -> Response:
        """``subject`` as the API shows it, read again so that it is what a following GET would give."""
        # Not through visible_to: whoever was allowed to act may see what came of it.
        fresh = self.rows().get(pk=subject.pk)
        shown = self.get_serializer(fresh).data
        headers = {}
        if status == 201 and isinstance(subject, scoping.Addressable):
            headers["Location"] = f"{self.request.path.rstrip('/')}/{subject.public_id}/"
        if self.etagged:
            headers["ETag"] = etags.etag(shown)
        return Response(shown, status=status, headers=headers)

    # The frame

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's dispatch, with each change in one transaction and each POST behind its Idempotency-Key."""
        self.args, self.kwargs = args, kwargs
        self.request = drf_request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(drf_request, *args, **kwargs)
            response = self._act(drf_request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the handler answers what it knows and raises the rest
            response = self.handle_exception(error)
        self.response = self.finalize_response(drf_request, response, *args, **kwargs)
        return self.response

    def _act(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        method = (request.method or "").lower()
        known = method in self.http_method_names
        handler = getattr(self, method, self.http_method_not_allowed) if known else self.http_method_not_allowed
        if request.method in SAFE_METHODS:
            # Other actions ask servers, search or read what is theirs to narrow.
            plain = self.model.portal_reads and getattr(self, "action", "") in ("list", "retrieve")
            with scoping.as_customer(self.actor) if plain else nullcontext():
                return cast(Response, handler(request, *args, **kwargs))
        asks = getattr(self, "action", "") in self.asking
        with nullcontext() if asks else transaction.atomic(using=scoping.alias()):
            if request.method == "POST":
                return idempotency.answer_once(
                    request, self.actor, lambda: handler(request, *args, **kwargs), self.unremembered, asks=asks
                )
            return cast(Response, handler(request, *args, **kwargs))


class ReadOnlyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BossViewSet):
    """A list and its single rows. Add the verbs as methods of your own that call one service each."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().retrieve(request, *args, **kwargs)
        if self.etagged:
            tag = etags.etag(response.data)
            if etags.unchanged(request, tag):
                response = Response(status=304)
            response["ETag"] = tag
        return response
