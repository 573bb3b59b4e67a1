from __future__ import annotations

from boss.core.api.routes import Route
from boss.notify.api import views

routes = [Route("messages", views.MessageViewSet)]
