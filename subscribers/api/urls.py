from __future__ import annotations

from boss.core.api.routes import Route
from subscribers.api import views

routes = [
    Route("accounts", views.AccountViewSet),
    Route("orders", views.OrderViewSet),
    Route("subscriptions", views.SubscriptionViewSet),
    Route("charges", views.ChargeViewSet),
    Route("statements", views.StatementViewSet),
    Route("payments", views.PaymentViewSet),
    Route("collections", views.CollectionViewSet),
    Route("leases", views.LeaseViewSet),
]
