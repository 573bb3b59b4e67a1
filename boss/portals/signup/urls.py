from __future__ import annotations

from django.urls import path

from boss.portals.signup.views import address, checkout, placed, plans, waitlist

app_name = "signup"

urlpatterns = [
    path("", address.address, name="address"),
    path("addresses/", address.suggestions, name="suggestions"),
    path("start-again/", address.start_again, name="start_again"),
    path("not-yet/", waitlist.waitlist, name="waitlist"),
    path("not-yet/thanks/", waitlist.thanks, name="waitlist_thanks"),
    path("plan/", plans.plan, name="plan"),
    path("plan/price/", plans.plan_price, name="plan_price"),
    path("options/", plans.options, name="options"),
    path("options/price/", plans.price, name="price"),
    path("you/", checkout.you, name="you"),
    path("you/keep/", checkout.keep, name="keep"),
    path("review/", checkout.review, name="review"),
    path("order/<str:token>/", placed.order, name="order"),
    path("order/<str:token>/state/", placed.state, name="order_state"),
    path("order/<str:token>/sign-in/", placed.set_up_sign_in, name="order_sign_in"),
]
