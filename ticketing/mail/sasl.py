"""Signing in with an OAuth 2 access token: OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2, Microsoft's only one.

Both answer a token they do not take with a challenge that says why; the client has to answer that once more, or the
refusal never comes.
"""

from __future__ import annotations

import json

PREFERRED = ("OAUTHBEARER", "XOAUTH2")


class Bearer:
    """One attempt: called with each challenge (as :meth:`imaplib.IMAP4.authenticate` does), returns what is answered.

    ``refusal`` is what the server said of the token, in its own words; "" while it said nothing.
    """

    def __init__(self, mechanism: str, *, username: str, host: str, port: int, token: str) -> None:
        if "\x01" in username + token or not token.isascii():
            raise ValueError("a user name or token that cannot be sent")
        if mechanism == "OAUTHBEARER":
            named = username.replace("=", "=3D").replace(",", "=2C")
            self._first = f"n,a={named},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01".encode()
            self._last = b"\x01"
        else:
            self._first = f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
            self._last = b""
        self._said = False
        self.refusal = ""

    def __call__(self, challenge: bytes) -> bytes:
        if not self._said:
            self._said = True
            return self._first
        self.refusal = _status(challenge)
        return self._last


def _status(challenge: bytes) -> str:
    """The ``status`` of a refusal (RFC 7628, 3.2.2)."""
    try:
        told = json.loads(challenge)
    except ValueError:
        return ""
    return str(told.get("status", ""))[:100] if isinstance(told, dict) else ""
