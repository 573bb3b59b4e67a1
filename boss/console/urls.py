"""Addresses of the console, all below /console/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from boss.console.views import accounts, home, inbox, orders, search, tickets

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/next/", inbox.next_task, name="inbox_next"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("orders/", orders.order_list, name="orders"),
    path("tickets/", tickets.ticket_list, name="tickets"),
    path("tickets/<slug:public_id>/", tickets.ticket, name="ticket"),
    path("tickets/<slug:public_id>/claim/", tickets.claim, name="ticket_claim"),
    path("tickets/<slug:public_id>/release/", tickets.release, name="ticket_release"),
    path("tickets/<slug:public_id>/assign/", tickets.assign, name="ticket_assign"),
    path("tickets/<slug:public_id>/say/", tickets.say, name="ticket_say"),
    path("tickets/<slug:public_id>/wait/", tickets.wait, name="ticket_wait"),
    path("tickets/<slug:public_id>/resolve/", tickets.resolve, name="ticket_resolve"),
    path("tickets/<slug:public_id>/reopen/", tickets.reopen, name="ticket_reopen"),
]
