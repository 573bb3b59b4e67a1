"""gunicorn's log, access log included, written as all of BOSS writes: the same format, and no secret in an address."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.glogging import Logger

from boss.core import logs


class WebLog(Logger):  # type: ignore[misc]
    """For ``gunicorn --logger-class boss.platform.web_log.WebLog``. Where the lines go stays gunicorn's business."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "boss.settings.prod")  # as boss.wsgi does, only earlier
        from django.conf import settings

        formatter = logs.formatter(settings.BOSS_LOG_FORMAT)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(formatter)
