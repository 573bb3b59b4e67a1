"""LDAP for this driver: one bound connection within the call's deadline, every exchange on the tape.

The connection is kept for the next call (ADR 0127). One that died while it lay there is told before it is used, else by
what is asked over it: a search is then asked once more over a new one, a change never.
"""

from __future__ import annotations

import contextlib
import select
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPSocketOpenError, LDAPStartTLSError
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from boss.core import outbound
from boss.core.kept import Kept, Shelf, key_of
from boss.core.outbound import Policy
from ipservices.contracts import AuthFailed, Conflict, Deadline, DriverError, Invalid, Transient, Unreachable

T = TypeVar("T")
Values = Mapping[str, list[str]]

OK, NO_SUCH_OBJECT, ALREADY_EXISTS = 0, 32, 68
_BUSY = (51, 52, 53)  # busy, unavailable, unwilling to perform
_NOT_ALLOWED = (8, 13, 48, 49, 50)  # stronger or confidential authentication, wrong credentials, no right
_SECRET = "userPassword"  # noqa: S105 - the attribute's name
_MASK = "•••"


class Directory:
    """One LDAP server."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        password: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
        owner: tuple[int, int] | None = None,
    ) -> None:
        """``owner``: for whom (see :attr:`Connection.owner`); the connection is then kept for the owner's next call."""
        self._settings = settings
        self._password = password
        self._deadline = deadline
        self._policy = Policy(networks)
        self._note = note
        self._owner = owner
        self._held: Kept[ldap3.Connection] | None = None

    def close(self) -> None:
        """Be done with the connection. May be called twice."""
        held, self._held = self._held, None
        if held is None:
            return
        if self._owner is not None and _is_sound(held.connection):
            _shelf.lay_back(held)
        else:
            _unbind(held.connection)

    def search(self, base: str, text: str, attributes: list[str]) -> list[tuple[str, dict[str, list[str]]]]:
        """DN and attributes of every entry below ``base`` that fits the filter."""
        found: list[tuple[str, dict[str, list[str]]]] = []
        cookie: Any = None
        while True:
            controls = {"paged_size": 500, "paged_cookie": cookie}

            def ask(bound: ldap3.Connection, page: dict[str, Any] = controls) -> Any:
                return bound.search(base, text, attributes=attributes, **page)

            # The further pages of an answer belong to the connection its first one came over.
            code, connection = self._do({"search": base, "filter": text}, ask, writes=False, again=not cookie)
            if code == NO_SUCH_OBJECT:
                raise Invalid(f"the directory has no entry {base}")
            found += [
                (
                    entry["dn"],
                    {name: [_text(value) for value in values] for name, values in entry["raw_attributes"].items()},
                )
                for entry in connection.response or []
                if entry.get("type") == "searchResEntry"
            ]
            control = (connection.result.get("controls") or {}).get("1.2.840.113556.1.4.319")
            cookie = control["value"]["cookie"] if control else None
            if not cookie:
                return found

    def add(self, dn: str, values: Values) -> bool:
        """Make an entry; False when there is one already."""
        request = {"add": dn, "values": _shown(values)}
        code, _connection = self._do(request, lambda bound: bound.add(dn, attributes=dict(values)), writes=True)
        return code != ALREADY_EXISTS

    def replace(self, dn: str, values: Values) -> None:
        """Replace the values of attributes; an empty list takes an attribute away."""
        news = {name: [(ldap3.MODIFY_REPLACE, list(given))] for name, given in values.items()}
        request = {"modify": dn, "values": _shown(values)}
        code, _connection = self._do(request, lambda bound: bound.modify(dn, news), writes=True)
        if code == NO_SUCH_OBJECT:
            raise Transient(f"{dn} has gone in the meantime")

    def delete(self, dn: str) -> None:
        """Take an entry away; no error when it is gone."""
        self._do({"delete": dn}, lambda bound: bound.delete(dn), writes=True)

    def _do(
        self, request: Mapping[str, Any], act: Callable[[ldap3.Connection], Any], *, writes: bool, again: bool = False
    ) -> tuple[int, ldap3.Connection]:
        while True:
            started = time.monotonic()
            connection, is_new = self._bound()
            try:
                act(connection)
                break
            except (LDAPException, OSError) as error:
                self._give_up()
                if not again or is_new or self._deadline.passed:
                    self._note(request, {"error": str(error)[:300]}, started)
                    raise Unreachable(str(error)[:300], outcome_unknown=writes) from error
            except BaseException:
                self._give_up()  # its answer may still be under way
                raise
        code = int(connection.result.get("result", -1))
        words = f"{connection.result.get('description')} {connection.result.get('message') or ''}".strip()[:300]
        self._note(request, {"result": words, "entries": len(connection.response or [])}, started)
        if code not in (OK, NO_SUCH_OBJECT, ALREADY_EXISTS):
            raise _refusal(code, words)
        return code, connection

    def _bound(self) -> tuple[ldap3.Connection, bool]:
        """A connection to use, and whether it was opened just now."""
        if self._deadline.passed:
            raise Unreachable("no time left")
        if self._held is None and self._owner is not None:
            self._held = _shelf.take(self._key())
        is_new = self._held is None
        held = self._held = self._held or Kept.new(self._opened(), self._key())
        # What is left of this call's time, and not of the call it was opened for.
        held.connection.socket.settimeout(max(0.1, self._deadline.left))
        return held.connection, is_new

    def _opened(self) -> ldap3.Connection:
        started, given = time.monotonic(), self._settings
        mode, host, seconds = given.get("ldap_tls") or "ldaps", str(given["ldap_host"]), self._deadline.left
        connection = None
        try:
            address = outbound.address_of(host, self._policy, plain=mode == "none", seconds=seconds)
            tls = None if mode == "none" else ldap3.Tls(validate=ssl.CERT_REQUIRED, valid_names=[host], sni=host)
            server = ldap3.Server(
                address, port=int(given.get("ldap_port") or 636), use_ssl=mode == "ldaps", tls=tls,
                connect_timeout=seconds, get_info=ldap3.NONE,
            )  # fmt: skip
            connection = ldap3.Connection(
                server, str(given["bind_dn"]), self._password, receive_timeout=max(1, round(seconds)),
                auto_referrals=False, raise_exceptions=False,
            )  # fmt: skip
            connection.open()
            if mode == "starttls":
                connection.start_tls()
            accepted = connection.bind()
        except outbound.Forbidden as error:
            raise Invalid(f"{error}; the platform operator can allow it", host=host) from error
        except (outbound.NoAnswer, LDAPSocketOpenError, LDAPStartTLSError, LDAPException, OSError) as error:
            _unbind(connection)
            self._note({"connect": host}, {"error": str(error)[:300]}, started)
            raise Unreachable(str(error)[:300]) from error
        if not accepted:
            words = str(connection.result.get("description"))
            _unbind(connection)
            self._note({"bind": str(given["bind_dn"])}, {"error": words}, started)
            raise _refusal(int(connection.result.get("result", -1)), f"our account is not accepted: {words}")
        return connection

    def _give_up(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            _unbind(held.connection)

    def _key(self) -> str:
        given = self._settings
        place = [given.get(name) for name in ("ldap_host", "ldap_port", "ldap_tls", "bind_dn")]
        return key_of(self._owner, *place, self._password, self._policy)


def _is_sound(connection: ldap3.Connection) -> bool:
    """Open, and nothing has come from the server: what comes unasked is its good-bye."""
    if connection.closed or not connection.bound:
        return False
    waiting = select.poll()
    waiting.register(connection.socket.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not waiting.poll(0)


def _unbind(connection: ldap3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(LDAPException, OSError):
            connection.unbind()


_shelf: Shelf[ldap3.Connection] = Shelf(close=_unbind, is_sound=_is_sound)


def condition(name: str, value: str) -> str:
    """One comparison of a filter, with the value escaped."""
    return f"({name}={escape_filter_chars(value)})"


def below(base: str, name: str, value: str) -> str:
    """The DN of an entry directly below ``base``."""
    return f"{name}={escape_rdn(value)},{base}"


def _refusal(code: int, words: str) -> DriverError:
    if code in _NOT_ALLOWED:
        return AuthFailed(words)
    if code in _BUSY:
        return Transient(words)
    return Conflict(words) if code == 19 and "unique" in words else Invalid(words)


def _shown(values: Values) -> dict[str, Any]:
    return {name: _MASK if name == _SECRET else list(given) for name, given in values.items()}


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
