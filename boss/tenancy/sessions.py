"""Django's database sessions on our scoped table: a session belongs to the realm of the host that made it."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from boss.tenancy.models import Session


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session
