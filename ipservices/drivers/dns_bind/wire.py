"""Signed DNS with one server: questions, updates (RFC 2136) and whole zones (AXFR), each with a TSIG."""

from __future__ import annotations

import binascii
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.xfr
import dns.zone

from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable
from ipservices.drivers.dns_records import Key
from ipservices.transport import reachable_address

ALGORITHM = "hmac-sha256"
Contents = dict[Key, tuple[int, list[str]]]
"""Absolute name and type → time to live and values."""

PREREQUISITES = frozenset((dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN))
_KEY_REFUSED = (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadTime, dns.message.UnknownTSIGKey)


class Wire:
    """One connection for the questions and updates of one driver call. Not for several threads; close it."""

    def __init__(
        self,
        host: str,
        port: int,
        key_name: str,
        secret: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
    ) -> None:
        self._place = (host, port)
        self._key = (key_name, secret)
        self._deadline = deadline
        self._networks = networks
        self._note = note
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def ask(self, name: str, kind: str) -> dns.message.Message:
        """A signed question. Raises AuthFailed, Unreachable, Transient."""
        question = dns.message.make_query(name, kind)
        question.flags &= ~dns.flags.RD
        return self._exchange(question, {"question": f"{name} {kind}"}, changes=False)

    def update(self, message: dns.update.UpdateMessage, written: Mapping[str, Any]) -> dns.rcode.Rcode:
        """Send an update; NOERROR, or which prerequisite did not hold. Raises the typed error for all else."""
        code = self._exchange(message, written, changes=True).rcode()
        if code is dns.rcode.NOERROR or code in PREREQUISITES:
            return code
        zone = str(message.zone[0].name).rstrip(".")
        words = f"the server answers {dns.rcode.to_text(code)} to a change of {zone}"
        if code is dns.rcode.NOTAUTH:
            raise Transient(f"{words}: it does not hold that zone")
        if code is dns.rcode.SERVFAIL:
            raise Transient(words, outcome_unknown=True)
        raise Invalid(f"{words}: its update-policy or its checks of what a zone may hold forbid it; its log says which")

    def transfer(self, zone: str) -> Contents | None:
        """All a zone holds, or None when the server does not hold it. Raises AuthFailed, Unreachable, Transient."""
        started = time.monotonic()
        written = {"transfer": zone}
        found = dns.zone.Zone(f"{zone}.", relativize=False)
        question, _serial = dns.xfr.make_query(found)
        question.use_tsig(self._keyring(), algorithm=ALGORITHM)
        host, port = self._place
        try:
            with self._typed(changes=False):
                address = reachable_address(host, self._networks)
                dns.query.inbound_xfr(address, found, question, port=port, lifetime=max(0.05, self._deadline.left))
        except dns.xfr.TransferError as error:
            self._note(written, {"answer": dns.rcode.to_text(error.rcode)}, started)
            if error.rcode is dns.rcode.NOTAUTH:
                return None
            if error.rcode is dns.rcode.REFUSED:
                raise AuthFailed(f"the server does not let this key read the zone {zone} (allow-transfer)") from error
            raise Transient(f"the server answers {dns.rcode.to_text(error.rcode)} to reading {zone}") from error
        contents = {
            (name.to_text().lower(), dns.rdatatype.to_text(rdataset.rdtype)): (
                rdataset.ttl,
                sorted(str(rdata) for rdata in rdataset),
            )
            for name, rdataset in found.iterate_rdatasets()
        }
        self._note(written, {"answer": "NOERROR", "record sets": len(contents)}, started)
        return contents

    def _exchange(
        self, message: dns.message.Message, written: Mapping[str, Any], *, changes: bool
    ) -> dns.message.Message:
        started = time.monotonic()
        message.use_tsig(self._keyring(), algorithm=ALGORITHM)
        try:
            link = self._connected()
            with self._typed(changes=changes):
                reply = dns.query.tcp(message, "", timeout=max(0.05, self._deadline.left), sock=link)
        except Exception as error:
            self.close()
            self._note(written, {"error": str(error) or type(error).__name__}, started)
            raise
        values = [str(record) for rrset in reply.answer for record in rrset]
        self._note(written, {"answer": dns.rcode.to_text(reply.rcode()), "values": values}, started)
        return reply

    def _connected(self) -> socket.socket:
        if self._socket is None:
            host, port = self._place
            address = reachable_address(host, self._networks)
            try:
                self._socket = socket.create_connection((address, port), timeout=max(0.05, self._deadline.left))
            except OSError as error:
                raise Unreachable(f"no connection to the name server at {host}:{port}") from error
            self._socket.setblocking(False)
        return self._socket

    def _keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        name, secret = self._key
        try:
            made: dict[dns.name.Name, dns.tsig.Key] = dns.tsigkeyring.from_text({name: (ALGORITHM, secret)})
        except (binascii.Error, ValueError, dns.exception.DNSException) as error:
            raise AuthFailed("the key for updates has a name or a secret that cannot be one") from error
        return made

    @contextmanager
    def _typed(self, *, changes: bool) -> Iterator[None]:
        """Everything that can go wrong between question and answer, as one of the contract's errors."""
        try:
            yield
        except _KEY_REFUSED as error:
            raise AuthFailed(f"the server refuses the key for updates: {error}") from error
        except dns.xfr.TransferError:
            raise
        except (OSError, EOFError, dns.exception.Timeout) as error:
            raise Unreachable(str(error) or "the connection broke off", outcome_unknown=changes) from error
        except dns.exception.DNSException as error:
            raise Transient(f"not an answer: {error or type(error).__name__}", outcome_unknown=changes) from error
