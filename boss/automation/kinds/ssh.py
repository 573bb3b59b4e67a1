"""SSH: named commands on one machine whose host key is known. A script fills in values, never the command."""

from __future__ import annotations

import io
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import paramiko
from django.utils.translation import gettext as _

from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.core import outbound
from boss.core.schema import Characteristic

_MOST_OUTPUT = 256 * 1024
_COMMAND = re.compile(r"^([a-z][a-z0-9_]{0,39})(\s+\((reads|repeatable)\))?:\s+(.+)$")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_VALUE = re.compile(r"[A-Za-z0-9@._:/+=, -]{0,200}")
"""What a value may be made of: devices' own shells quote differently from ours, or not at all."""

SETTINGS = (
    Characteristic("host", label=_("Host"), required=True, max_length=253),
    Characteristic("port", "integer", label=_("Port"), default=22, minimum=1, maximum=65535),
    Characteristic("user", label=_("User"), required=True, max_length=100),
    Characteristic("host_key", "long_text", label=_("Host key"), required=True, max_length=2000,
                   help=_("As in known_hosts, without the host: ssh-ed25519 AAAA…")),
    Characteristic("commands", "long_text", label=_("Commands"), required=True, max_length=20_000,
                   help=_("One a line: name (reads): command with {values}. “(reads)” changes nothing, "
                                     "“(repeatable)” may be run twice.")),
)  # fmt: skip
SECRETS = (
    Characteristic("password", "secret", label=_("Password"), max_length=1000),
    Characteristic("private_key", "long_text", label=_("Private key (OpenSSH)"), max_length=10_000),
)


def commands_of(settings: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Commands by name: text, and "reads", "repeatable" or "". Raises ValueError with the line that is none."""
    found: dict[str, tuple[str, str]] = {}
    for line in str(settings.get("commands", "")).splitlines():
        if not line.strip():
            continue
        read = _COMMAND.match(line.strip())
        if read is None or read[1] in found:
            raise ValueError(line.strip()[:60])
        found[read[1]] = (read[4], read[3] or "")
    return found


def _host_key(settings: Mapping[str, Any]) -> paramiko.PKey:
    kind, _space, body = str(settings.get("host_key", "")).strip().partition(" ")
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"host {kind} {body.split(' ')[0]}")
    if entry is None or entry.key is None:
        raise ValueError("no host key")
    return entry.key


def check(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    faults = {}
    try:
        _host_key(settings)
    except (ValueError, paramiko.SSHException):
        faults["host_key"] = [_("This is no host key. Ask the machine: ssh-keyscan -t ed25519 HOST")]
    try:
        if not commands_of(settings):
            faults["commands"] = [_("At least one command: nothing may be asked otherwise.")]
    except ValueError as error:
        faults["commands"] = [_("This is no command: %(line)s") % {"line": error}]
    return faults


def _asked(settings: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    found = commands_of(settings).get(str(request.get("command")))
    if found is None:
        raise CallNotAllowed(_("The endpoint has no command “%(name)s”.") % {"name": request.get("command")})
    values = request.get("values") or {}
    wanted = set(_PLACE.findall(found[0]))
    if not isinstance(values, Mapping) or set(values) != wanted:
        raise CallNotAllowed(_("The command takes the values %(names)s.") % {"names": ", ".join(sorted(wanted)) or "–"})
    for name, value in values.items():
        if not isinstance(value, str | int) or not _VALUE.fullmatch(str(value)) or str(value).startswith("-"):
            raise CallNotAllowed(_("The value of %(name)s holds signs that are not sent.") % {"name": name})
    return _PLACE.sub(lambda place: shlex.quote(str(values[place[1]])), found[0])


def call(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """``command`` and its ``values``. Gives ``status`` and ``output``; a status other than 0 is a failure."""
    command = _asked(target.settings, request)
    until = time.monotonic() + target.seconds
    with _connected(target) as transport:
        try:
            channel = transport.open_session(timeout=target.seconds)
            channel.set_combine_stderr(True)
            channel.exec_command(command)
            output = _read(channel, until)
            status = channel.recv_exit_status()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise CallFailed(str(error)[:300] or "the connection broke", unknown=True) from error
    text = output.decode(errors="replace")
    if status != 0:
        last = text.strip().splitlines()[-1:] or [""]
        raise CallFailed(_("It ended with status %(status)s: %(text)s") % {"status": status, "text": last[0][:200]},
                         retryable=False)  # fmt: skip
    return {"status": status, "output": text}


def _read(channel: paramiko.Channel, until: float) -> bytes:
    """All it writes until it ends. Each read has what is left of the whole time."""
    found = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0:
            channel.close()
            raise CallFailed(_("It did not end in time."), unknown=True)
        channel.settimeout(left)
        try:
            chunk = channel.recv(65536)
        except TimeoutError:
            continue
        if not chunk:
            break
        found += chunk
        if len(found) > _MOST_OUTPUT:
            channel.close()
            raise CallFailed(_("It wrote more than %(n)s kB.") % {"n": _MOST_OUTPUT // 1024}, unknown=True)
    while not channel.exit_status_ready():
        if time.monotonic() > until:
            raise CallFailed(_("It did not end in time."), unknown=True)
        time.sleep(0.01)
    return bytes(found)


@contextmanager
def _connected(target: Target) -> Iterator[paramiko.Transport]:
    settings = target.settings
    try:
        connection = outbound.connect(
            str(settings["host"]), int(settings.get("port") or 22), target.policy, seconds=target.seconds
        )
    except outbound.Forbidden as error:
        raise CallNotAllowed(str(error)) from error
    except outbound.NoAnswer as error:
        raise CallFailed(str(error)) from error
    transport = None
    try:
        transport = paramiko.Transport(connection)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = target.seconds
        known = _host_key(settings)
        # It shows the key we know, or none: a server may hold several.
        transport.get_security_options().key_types = _algorithms(known)
        transport.start_client(timeout=target.seconds)
        shown = transport.get_remote_server_key()
        if shown.asbytes() != known.asbytes():
            raise CallNotAllowed(_("The machine shows another host key than the one that is known."))
        if target.secrets.get("private_key"):
            transport.auth_publickey(str(settings["user"]), _private_key(target.secrets["private_key"]))
        else:
            transport.auth_password(str(settings["user"]), target.secrets.get("password", ""))
        yield transport
    except paramiko.AuthenticationException as error:
        raise CallFailed(_("It does not accept our account."), retryable=False) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise CallFailed(str(error)[:300] or "no connection") from error
    finally:
        if transport is not None:
            transport.close()
        connection.close()


def _algorithms(key: paramiko.PKey) -> tuple[str, ...]:
    name = key.get_name()
    return ("rsa-sha2-512", "rsa-sha2-256") if name == "ssh-rsa" else (name,)


def _private_key(text: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except (paramiko.SSHException, ValueError):
            continue
    raise CallFailed(_("The private key cannot be read."), retryable=False)


def _mark(settings: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    return commands_of(settings).get(str(request.get("command")), ("", ""))[1]


def changes(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return _mark(settings, request) != "reads"


def repeatable(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return _mark(settings, request) == "repeatable"


def test(target: Target) -> str:
    with _connected(target) as transport:
        return _("The host key is the known one, and the account is accepted (%(version)s).") % {
            "version": transport.remote_version
        }


def sentence(request: Mapping[str, Any]) -> str:
    return str(request.get("command", ""))[:60]


KIND = Kind("ssh", _("SSH"), SETTINGS, SECRETS, call, changes, repeatable, check, test, sentence)
