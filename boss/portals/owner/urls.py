from __future__ import annotations

from django.urls import path

from boss.portals.owner import views

app_name = "owner"

urlpatterns = [
    path("", views.home, name="home"),
    path("buildings/<slug:public_id>/", views.building, name="building"),
    path("tickets/", views.tickets, name="tickets"),
    path("tickets/new/", views.ticket_new, name="ticket_new"),
    path("tickets/files/<slug:public_id>/", views.file, name="file"),
    path("tickets/<slug:public_id>/", views.ticket, name="ticket"),
    path("people/", views.people, name="people"),
    path("people/invite/", views.invite, name="invite"),
    path("people/<slug:public_id>/deactivate/", views.deactivate, name="deactivate"),
    path("people/<slug:public_id>/reactivate/", views.reactivate, name="reactivate"),
    path("people/<slug:public_id>/invite-again/", views.invite_again, name="invite_again"),
]
