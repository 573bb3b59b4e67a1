"""The page of one thing that is done to many: how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpRequest, HttpResponse

from boss.console.frame import fragment, page
from boss.console.presenters.bulk_progress import BulkProgress, ItemLine


def show(
    request: HttpRequest, bulk: BulkProgress, lines: Callable[[], Sequence[ItemLine]], *, section: str
) -> HttpResponse:  # fmt: skip
    """The page, which asks for itself until it is over: then its moving part alone, 204 when nothing has changed."""
    live = "live" in request.GET
    if live and not bulk.is_over and request.GET.get("seen") == str(bulk.progress.settled):
        return HttpResponse(status=204)
    context = {"bulk": bulk, "lines": lines()}
    if live:
        return fragment(request, "bulk/live.html", context)
    return page(request, "bulk/progress.html", context, section=section)
