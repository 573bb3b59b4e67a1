"""One-use sign-in to webmail: a short-lived token, signed with a key that BOSS and the webmail plug-in share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time

SECONDS = 60


def token(user: str, key: str, *, now: float | None = None) -> str:
    """Signs ``user`` in once within a minute. The plug-in remembers the nonce until the token has expired."""
    said = {
        "user": user,
        "until": int(now if now is not None else time.time()) + SECONDS,
        "nonce": secrets.token_hex(16),
    }
    body = _text(json.dumps(said, separators=(",", ":")).encode())
    return f"{body}.{_text(hmac.digest(key.encode(), body.encode(), hashlib.sha256))}"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
