"""Secrets at rest: AES-256-GCM, bound to the row they belong to.

The additional data names model, realm, row and field, so a ciphertext moved to another row does not open.
Keys come from ``settings.BOSS_DATA_KEYS`` (key id → 32 bytes, newest first); old keys stay readable for rotation.
"""

from __future__ import annotations

import base64
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


class CannotOpen(ValueError):
    """The ciphertext was altered, belongs to another row, or its key is gone."""


def seal(plain: str, *, bound_to: str) -> str:
    """Encrypt ``plain`` for one place, for instance ``bound_to="ipservices.binding:3:17:secrets"``."""
    key_id, key = next(iter(settings.BOSS_DATA_KEYS.items()))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, plain.encode(), bound_to.encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def open_sealed(sealed: str, *, bound_to: str) -> str:
    """The inverse of :func:`seal`. Raises :class:`CannotOpen`."""
    key_id, _, body = sealed.partition(":")
    keys: dict[str, bytes] = settings.BOSS_DATA_KEYS
    if key_id not in keys:
        raise CannotOpen(f"no data key {key_id!r}")
    raw = base64.b64decode(body)
    try:
        return AESGCM(keys[key_id]).decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except InvalidTag as error:
        raise CannotOpen("altered, or bound to another row") from error


SECRET_WORDS = ("password", "secret", "token", "api_key", "ha1", "pin", "key_material")
MASK = "••••"


def masked(value: Any) -> Any:
    """A copy of a JSON-like value with everything under a secret-sounding key replaced by dots."""
    if isinstance(value, dict):
        return {
            key: MASK if any(word in str(key).lower() for word in SECRET_WORDS) else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value
