"""How BOSS writes its log: one event a line, JSON for machines or plain text for people, and no secret in it.

Events of structlog and of the standard library go the same way. Tracebacks hold no local variables, and every text
is masked last, whoever wrote it: a driver's error may quote a password, a warning of Django the address of a link
that opens a door.
"""

from __future__ import annotations

import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

FORMATS = ("json", "readable")

MASK = "***"

# Django's signed values, with or without a date: invitations, order trackers. By shape, so that it does not matter
# in which address they stand; in a query string the colons may be escaped.
# Every pattern here is bounded, so that no text, which may come from anybody, takes long to mask.
_SIGNED = r"(?<![\w-])[\w-]+(?:(?::|%3A)[\w-]+){0,6}?(?::|%3A)[\w-]{43}(?![\w-])"

DOORS = ("/invitation/", "/login/email/", "/signup/order/", "/outage/", "/upload/")
"""What follows these in an address lets its reader in. A test compares them with the URL map."""

_SECRETS: list[tuple[re.Pattern[str], str]] = [
    # By place as well as by shape: a sender may escape any letter of it.
    (re.compile(rf"((?:{'|'.join(DOORS)}))[^/?#\s\"']+"), rf"\1{MASK}"),
    (re.compile(_SIGNED, re.ASCII | re.IGNORECASE), MASK),
    (re.compile(r"\bboss_([0-9a-z]{12})_[\w-]{20,}", re.ASCII), rf"boss_\1_{MASK}"),
    (re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{MASK}@"),
    (
        re.compile(
            r"((?:password|passwd|secret|token|api[_-]?key)\w{0,40}[\"']?\s{0,9}[=:]\s{0,9}[\"']?)[^\s\"',;&)]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # Postgres quotes whole rows when it refuses one.
    (re.compile(r"(Failing row contains \()[^\n]*"), rf"\1{MASK})"),
    (re.compile(r"(Key \([^\n=]{0,200}?\)=\()[^\n]{0,1000}?(\) (?:already|is |conflicts))"), rf"\1{MASK}\2"),
]  # fmt: skip

_SECRET_NAME = re.compile(r"password|passwd|secret|token|api[_-]?key$|authorization|cookie|private", re.IGNORECASE)


def masked(text: str) -> str:
    """``text`` without the secrets whose shape is known."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def names_a_secret(name: str) -> bool:
    """Whether what is called so is a secret."""
    return _SECRET_NAME.search(name) is not None


def _is_secret(name: str, value: Any) -> bool:
    # A number is none: the engine's fencing tokens are worth reading.
    return not isinstance(value, bool | int | float) and names_a_secret(name)


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(key, str) and item and _is_secret(key, item) else _mask(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(str(value))


def masked_values(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with what is named or shaped like a secret masked, however deep; the rest as it was."""
    cleaned: dict[str, Any] = _mask(values)
    return cleaned


def _mask_event(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    cleaned: MutableMapping[str, Any] = _mask(dict(event))
    return cleaned


_BEFORE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def formatter(format: str) -> logging.Formatter:
    """A formatter for any handler of the standard library. Raises ValueError for an unknown format."""
    if format not in FORMATS:
        raise ValueError(f"the log can be written as json or readable, not as {format!r}")
    if format == "json":
        last: list[Processor] = [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False, use_rich=False)),
            _mask_event,
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [
            structlog.processors.format_exc_info,
            _mask_event,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_BEFORE,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def config(format: str, level: str) -> dict[str, Any]:
    """Django's ``LOGGING``: everything goes to one stream."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"event": {"()": "boss.core.logs.formatter", "format": format}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Without Django's own handlers, which would write every line again, unmasked.
            "django": {"handlers": [], "level": "NOTSET"},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # The same for who serves the ASGI application; gunicorn has boss.platform.web_log.
            "uvicorn": {"handlers": [], "level": "INFO", "propagate": True},
            "uvicorn.access": {"handlers": [], "level": "INFO", "propagate": True},
        },
    }


def configure(given: dict[str, Any]) -> None:
    """Django's ``LOGGING_CONFIG``: the standard library by ``given``, structlog on top of it."""
    logging.config.dictConfig(given)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
