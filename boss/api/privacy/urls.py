from __future__ import annotations

from boss.api.privacy import views
from boss.core.api.routes import Route

routes = [Route("copies", views.CopyViewSet), Route("erasures", views.ErasureViewSet)]
