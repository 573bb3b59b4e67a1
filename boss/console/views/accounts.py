"""Accounts: the list, and the page that shows everything of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, page
from boss.console.presenters import accounts as present
from boss.core.views import requires
from boss.look.pages import newest_first
from subscribers import selectors


@requires("subscribers.view_account")
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Accounts, the latest opened first. Who is looked for is found by the search box."""
    rows = newest_first(selectors.list_accounts(actor_of(request)), request.GET.get("after", ""))
    return page(request, "accounts/list.html", {"page": rows.map(present.row), "query": ""}, section="accounts")
