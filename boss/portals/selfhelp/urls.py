from __future__ import annotations

from django.urls import path

from boss.portals.selfhelp.views import history, home, my_data, orders, outages, services, tickets, visits

app_name = "selfhelp"

urlpatterns = [
    path("", home.home, name="home"),
    path("visits/", visits.visits, name="visits"),
    path("services/", services.services, name="services"),
    path("services/<str:public_id>/webmail/", services.webmail, name="webmail"),
    path("orders/<str:public_id>/", orders.order, name="order"),
    path("orders/<str:public_id>/state/", orders.state, name="order_state"),
    path("outages/<str:public_id>/tell-me/", outages.tell_me, name="outage_tell_me"),
    path("history/", history.history, name="history"),
    path("data/", my_data.my_data, name="my_data"),
    path("data/<str:public_id>/", my_data.fetch, name="my_copy"),
    path("sign-in/", home.security, name="security"),
    path("tickets/", tickets.tickets, name="tickets"),
    path("tickets/new/", tickets.new, name="ticket_new"),
    path("tickets/files/<slug:public_id>/", tickets.file, name="file"),
    path("tickets/<str:public_id>/", tickets.ticket, name="ticket"),
    path("tickets/<str:public_id>/share/", tickets.share, name="ticket_share"),
]
