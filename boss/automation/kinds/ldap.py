"""LDAP: searching and changing entries below one base, attributes of a list, by a bound account."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

import ldap3
from django.utils.translation import gettext as _
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.core import outbound
from boss.core.schema import Characteristic

_MOST_ENTRIES = 200
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_BUSY = (51, 52)  # busy, unavailable

SETTINGS = (
    Characteristic("host", label=_("Host"), required=True, max_length=253),
    Characteristic("port", "integer", label=_("Port"), default=636, minimum=1, maximum=65535),
    Characteristic("tls", "choice", label=_("Encryption"), default="ldaps", choices=(
        ("ldaps", _("TLS from the start")), ("starttls", _("StartTLS")),
        ("none", _("none (allowed networks only)")))),
    Characteristic("trusted_ca", "long_text", label=_("Certificate authority (PEM)"), max_length=20_000),
    Characteristic("bind_dn", label=_("Account (DN)"), required=True, max_length=300),
    Characteristic("base", label=_("Base (DN)"), required=True, max_length=300,
                   help=_("Nothing outside is read or changed.")),
    Characteristic("readable", "long_text", label=_("Attributes that may be read"), required=True),
    Characteristic("changeable", "long_text", label=_("Attributes that may be changed"),
                   help=_("Nothing here: it is searched only.")),
)  # fmt: skip
SECRETS = (Characteristic("password", "secret", label=_("Password"), max_length=1000),)


def _words(settings: Mapping[str, Any], name: str) -> set[str]:
    return {word.lower() for word in re.split(r"[\s,]+", str(settings.get(name) or "")) if word}


def _parsed(dn: str) -> list[tuple[str, str]]:
    try:
        return [(name.lower(), value.lower()) for name, value, _separator in parse_dn(dn, strip=True)]
    except LDAPException:
        raise CallNotAllowed(_("This is no DN: %(dn)s") % {"dn": dn[:100]}) from None


def check(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    faults = {}
    for name in ("bind_dn", "base"):
        try:
            if not _parsed(str(settings.get(name, ""))):
                faults[name] = [_("A DN, for instance ou=people,dc=example,dc=net")]
        except CallNotAllowed as error:
            faults[name] = [str(error)]
    return faults


def _below_base(target: Target, dn: Any) -> str:
    text = str(dn or target.settings["base"])
    base, asked = _parsed(str(target.settings["base"])), _parsed(text)
    if asked[-len(base) :] != base:
        raise CallNotAllowed(_("%(dn)s is not below the endpoint's base.") % {"dn": text[:100]})
    return text


def call(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """``action`` search: ``filter`` with {places} for ``values``, ``base``, ``attributes``; gives ``entries``.
    ``action`` modify: ``dn`` and ``replace`` (attribute to values); gives ``changed``."""
    if request.get("action") == "modify":
        return _modify(target, request)
    if request.get("action", "search") != "search":
        raise CallNotAllowed(_("The actions are search and modify."))
    base = _below_base(target, request.get("base"))
    readable = _words(target.settings, "readable")
    attributes = [str(name) for name in request.get("attributes") or sorted(readable)]
    if unknown := {name.lower() for name in attributes} - readable:
        raise CallNotAllowed(_("These attributes may not be read: %(names)s") % {"names": ", ".join(sorted(unknown))})
    values = request.get("values") or {}
    text = str(request.get("filter") or "(objectClass=*)")
    if (
        asked := {name.lower() for name in re.findall(r"\(\s*([A-Za-z][\w;-]*)\s*[~<>:]?=", text)}
        - readable
        - {"objectclass"}
    ):
        # A filter on what may not be read tells it all the same, letter by letter.
        raise CallNotAllowed(_("These attributes may not be read: %(names)s") % {"names": ", ".join(sorted(asked))})
    if ":" in text:
        raise CallNotAllowed(_("Extended matches are not asked for."))
    try:
        text = _PLACE.sub(lambda place: escape_filter_chars(str(values[place[1]])), text)
    except KeyError as error:
        raise CallNotAllowed(_("There is no value for %(name)s.") % {"name": error}) from None
    with _bound(target) as connection:
        done = connection.search(base, text, attributes=attributes, size_limit=_MOST_ENTRIES,
                                 time_limit=max(1, int(target.seconds)))  # fmt: skip
        _refuse_unless_good(connection, done, empty_is_good=True)
        found = [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]
    return {
        "entries": [
            {"dn": entry["dn"], "attributes": {name: _plain(value) for name, value in entry["attributes"].items()}}
            for entry in found
        ]
    }


def _modify(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    dn = _below_base(target, request.get("dn"))
    replace = request.get("replace")
    if not isinstance(replace, Mapping) or not replace:
        raise CallNotAllowed(_("What is to be replaced? Attributes and their new values."))
    if unknown := {str(name).lower() for name in replace} - _words(target.settings, "changeable"):
        raise CallNotAllowed(
            _("These attributes may not be changed: %(names)s") % {"names": ", ".join(sorted(unknown))}
        )
    news = {
        str(name): [(ldap3.MODIFY_REPLACE, [str(one) for one in (value if isinstance(value, list) else [value])])]
        for name, value in replace.items()
    }
    with _bound(target) as connection:
        _refuse_unless_good(connection, connection.modify(dn, news))
    return {"changed": True}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str | int | bool | None) else str(value)


def _refuse_unless_good(connection: ldap3.Connection, done: bool, *, empty_is_good: bool = False) -> None:
    code = connection.result.get("result")
    if done or (empty_is_good and code == 0):
        return
    words = f"{connection.result.get('description')} {connection.result.get('message')}".strip()
    raise CallFailed(words[:300], retryable=code in _BUSY)


class _Bound:
    """A bound connection through an address that was checked, for as long as the call lasts."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: ldap3.Connection | None = None

    def __enter__(self) -> ldap3.Connection:
        settings, seconds = self._target.settings, self._target.seconds
        mode = settings.get("tls") or "ldaps"
        host = str(settings["host"])
        try:
            address = outbound.address_of(host, self._target.policy, plain=mode == "none", seconds=seconds)
        except outbound.Forbidden as error:
            raise CallNotAllowed(str(error)) from error
        except outbound.NoAnswer as error:
            raise CallFailed(str(error)) from error
        tls = None
        if mode != "none":
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, valid_names=[host], sni=host,
                            ca_certs_data=settings.get("trusted_ca") or None)  # fmt: skip
        try:
            server = ldap3.Server(address, port=int(settings.get("port") or 636), use_ssl=mode == "ldaps", tls=tls,
                                  connect_timeout=seconds, get_info=ldap3.NONE)  # fmt: skip
            self._connection = ldap3.Connection(
                server, str(settings["bind_dn"]), self._target.secrets.get("password", ""),
                receive_timeout=max(1, round(seconds)), auto_referrals=False, raise_exceptions=False,
            )  # fmt: skip
            self._connection.open()
            if mode == "starttls":
                self._connection.start_tls()
            if not self._connection.bind():
                raise CallFailed(_("It does not accept our account."), retryable=False)
        except (LDAPException, OSError) as error:
            self.__exit__()
            raise CallFailed(str(error)[:300]) from error
        return self._connection

    def __exit__(self, *_raised: object) -> None:
        if self._connection is not None:
            try:
                self._connection.unbind()
            except (LDAPException, OSError):
                return


def _bound(target: Target) -> _Bound:
    return _Bound(target)


def changes(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return request.get("action") == "modify"


def repeatable(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return True  # replacing twice is replacing once


def test(target: Target) -> str:
    with _bound(target) as connection:
        connection.search(str(target.settings["base"]), "(objectClass=*)", ldap3.BASE, attributes=["1.1"])
        found = len(connection.response or [])
    return _("The account is accepted; the base is %(there)s.") % {"there": _("there") if found else _("not there")}


def sentence(request: Mapping[str, Any]) -> str:
    place = request.get("dn") or request.get("base") or ""
    return f"{request.get('action', 'search')} {place}".strip()[:200]


KIND = Kind("ldap", _("LDAP"), SETTINGS, SECRETS, call, changes, repeatable, check, test, sentence)
