"""What BOSS asks of other machines over HTTP, and which machines it may ask anything at all.

One guard for everything that leaves the house (drivers, named endpoints, webhooks): the name is resolved once, the
address is checked, and the connection goes to that very address with the name in ``Host`` and in TLS; a name that
changes between check and use gains nothing. One wall-clock deadline lies around resolving, connecting and reading,
because a limit per read lets a server that drips ten bytes a second hold a worker for minutes (measured: 22.8 s under
a "two second" timeout). Redirects are not followed, answers have a largest size, and no proxy is taken from the
environment. ``ip_address.is_global`` is wrong about several tunnels on the Python we ship on; the rule here is not.
"""

from __future__ import annotations

import functools
import ipaddress
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from boss.core.kept import IDLE_SECONDS, Kept, Shelf, key_of
from boss.core.networks import NEVER

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_BYTES = 16 * 1024 * 1024
_ALWAYS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "boss"}
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# Teredo and its neighbours, and 6to4: tunnels that embed an IPv4 address.
_NOT_GLOBAL_V6 = (ipaddress.ip_network("2001::/23"), ipaddress.ip_network("2002::/16"))


class Forbidden(Exception):
    """The address, or the way of asking, is not allowed by the policy. Nothing was sent."""


class NoAnswer(Exception):
    """No complete answer. ``sent``: the request may have arrived and had its effect."""

    def __init__(self, words: str, *, sent: bool) -> None:
        super().__init__(words)
        self.sent = sent


class TooLarge(NoAnswer):
    """The answer was larger than the policy lets in, and was not read to its end."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Where one realm may reach: every public address over TLS, and ``networks`` (CIDR) over plain connections too.

    ``networks`` are set by the operator of the installation, never by the realm.
    """

    networks: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES

    def is_listed(self, address: Address) -> bool:
        """Whether the operator allowed the network of this address by name."""
        if address.is_unspecified or address.is_multicast or any(address in network for network in NEVER):
            return False
        return any(address in ipaddress.ip_network(network, strict=False) for network in self.networks)

    def allows(self, address: Address, *, plain: bool) -> bool:
        return self.is_listed(address) or (not plain and is_public(address))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: the body undecoded."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def is_public(address: Address) -> bool:
    """Whether ``address`` is a global unicast address."""
    if isinstance(address, ipaddress.IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not address.is_reserved
            and not any(address in network for network in NEVER)
        )
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_GLOBAL_V6)


def address_of(host: str, policy: Policy, *, plain: bool, seconds: float) -> str:
    """Resolve ``host`` once, to an address that may be connected to. Raises :class:`NoAnswer` or :class:`Forbidden`."""
    found = _resolved(host, seconds)
    for address in found:
        if policy.allows(address, plain=plain):
            return str(address)
    if plain and any(policy.allows(address, plain=False) for address in found):
        raise Forbidden(f"{host} may be reached over TLS only")
    raise Forbidden(f"{host} is in a network that may not be reached from here")


def connect(host: str, port: int, policy: Policy, *, seconds: float, plain: bool = False) -> socket.socket:
    """A TCP connection for protocols that bring their own client. ``plain``: what runs on it does not encrypt."""
    until = time.monotonic() + seconds
    address = address_of(host, policy, plain=plain, seconds=seconds)
    try:
        return socket.create_connection((address, port), timeout=max(0.05, until - time.monotonic()))
    except OSError as error:
        raise NoAnswer(f"no connection to {host}:{port}", sent=False) from error


def _resolved(host: str, seconds: float) -> list[Address]:
    """Every address of a name, in the resolver's order. In a thread of its own: the resolver knows no deadline."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass  # a name, or an address in a spelling that resolvers read and this library does not
    answers: queue.SimpleQueue[list[Address] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answers.put(error)
            return
        answers.put([ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_rest, place in found])

    threading.Thread(target=ask, name="boss-resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.05, seconds))
    except queue.Empty:
        raise NoAnswer(f"the name {host} was not resolved in time", sent=False) from None
    if isinstance(answer, Exception):
        raise NoAnswer(f"the name {host} cannot be resolved", sent=False) from answer
    return answer


@functools.lru_cache(maxsize=64)
def trust(trusted_ca: str) -> ssl.SSLContext:
    """Reading the authorities takes longer than most answers, so it is done once for each set of them."""
    return ssl.create_default_context(cadata=trusted_ca or None)


class Session:
    """Requests to one server over one connection. Not for several threads at once; close it.

    The connection is opened anew when the server has closed it meanwhile, through the guard each time.
    """

    def __init__(
        self, base_url: str, *, policy: Policy, headers: Mapping[str, str] | None = None, trusted_ca: str = ""
    ) -> None:
        """``trusted_ca``: certificates (PEM) trusted instead of the public authorities', for private servers.

        Raises :class:`Forbidden` for an address that is none of http and https, or carries a password.
        """
        try:
            self._url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise Forbidden(f"this is not an address: {error}") from error
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise Forbidden("only http and https addresses are asked")
        if self._url.userinfo:
            raise Forbidden("an address carries no user name and password")
        self._policy = policy
        self._headers = {**_ALWAYS, "Host": self._url.netloc.decode(), **(headers or {})}
        self._trusted_ca = trusted_ca
        self.made_of = (base_url, policy, sorted(self._headers.items()), trusted_ca)
        self._door = _Door(self._url.host, policy, plain=self._url.scheme == "http")
        self._pool: httpcore.ConnectionPool | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One exchange, complete within ``seconds``. Raises :class:`NoAnswer` or :class:`Forbidden`."""
        if not path.startswith("/") or path.startswith("//") or any(ord(letter) <= 32 for letter in path):
            raise Forbidden("a path begins with one slash and holds no spaces")
        if seconds <= 0:
            raise NoAnswer("no time left", sent=False)
        self._door.until = time.monotonic() + seconds
        for was_asked in (False, True):
            self._door.opened = self._door.sent = False
            try:
                return self._exchange(method, path, content, headers or {})
            except httpcore.TimeoutException:
                raise NoAnswer("no answer in time", sent=self._door.sent) from None
            except httpcore.ConnectError as error:
                raise NoAnswer("no connection", sent=False) from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                # A server may close a connection that waited in the very moment something is sent over it. What only
                # reads is asked again (RFC 9110, 9.2.2); a change that was sent may have had its effect.
                may_be_asked_again = method in ("GET", "HEAD") or not self._door.sent
                if was_asked or self._door.opened or not may_be_asked_again:
                    raise NoAnswer(str(error) or "the answer broke off", sent=self._door.sent) from error
        raise AssertionError("the second time is the last")

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def _exchange(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=trust(self._trusted_ca),
                max_connections=1,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self._door,
            )
        given = self._headers | dict(headers)
        if content is None and method not in ("GET", "HEAD", "DELETE"):
            given["Content-Length"] = "0"
        with self._pool.stream(
            method,
            httpcore.URL(
                scheme=self._url.raw_scheme,
                host=self._url.raw_host,
                port=self._url.port,
                target=self._url.raw_path.rstrip(b"/") + path.encode(),
            ),
            headers=[(name.encode(), value.encode()) for name, value in given.items()],
            content=content,
        ) as response:
            found = _headers(response.headers)
            return Answer(response.status, found, self._body(response, found))

    def _body(self, response: httpcore.Response, headers: Mapping[str, str]) -> bytes:
        if headers.get("content-encoding", "identity") != "identity":
            # A few compressed bytes may stand for gigabytes; nobody asked for them.
            raise NoAnswer("the answer is compressed, which was not asked for", sent=True)
        found = bytearray()
        for chunk in response.iter_stream():
            found += chunk
            if len(found) > self._policy.most_bytes:
                raise TooLarge(f"the answer is larger than {self._policy.most_bytes // 1024} kB", sent=True)
        return bytes(found)


def _headers(rows: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """By lower-case name; what is said several times, in one line (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in rows:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


class _Door(httpcore.NetworkBackend):
    """Opens connections to one host through the guard, and lets all that goes over them end at one moment."""

    def __init__(self, host: str, policy: Policy, *, plain: bool) -> None:
        self._host = host
        self._policy = policy
        self._plain = plain
        self.until = 0.0
        self.opened = False
        """Whether the exchange had to open a connection."""
        self.sent = False
        """Whether any of the request has left."""

    @property
    def left(self) -> float:
        """Seconds, never none: a socket would take that for "do not wait"."""
        return max(0.001, self.until - time.monotonic())

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check and connect: ``host`` is only the name that the caller wrote down."""
        self.opened = True
        address = address_of(self._host, self._policy, plain=self._plain, seconds=self.left)
        # No create_connection: it would ask the resolver once more.
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            made.settimeout(self.left)
            made.connect((address, port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            made.close()
            raise httpcore.ConnectError(str(error)) from error
        return _Stream(made, self)


class _Stream(httpcore.NetworkStream):
    """One connection. Limits for a single read are not looked at: a server that drips would never reach one."""

    def __init__(self, connection: socket.socket, door: _Door) -> None:
        self._socket = connection
        self._door = door

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(self._door.left)
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            while buffer:
                self._socket.settimeout(self._door.left)
                self._door.sent = True
                buffer = buffer[self._socket.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._door.left)
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._door)
        except OSError as error:  # what TLS refuses is one, and so is a time-out
            self._socket.close()
            raise httpcore.ConnectError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return self._socket if info == "socket" else None
        if self._socket.fileno() < 0:
            return True
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(waiting.poll(0))


_shelf: Shelf[Session] = Shelf(close=Session.close, is_sound=lambda _session: True)


def kept_like(session: Session, owner: tuple[int, int]) -> Kept[Session]:
    """What this process kept since ``owner`` (realm and binding) last asked the same server with the same secrets, else
    ``session`` itself, which has asked nothing yet. Give it to :func:`lay_back` after use."""
    key = key_of(owner, *session.made_of)
    return _shelf.take(key) or Kept.new(session, key)


def lay_back(one: Kept[Session]) -> None:
    """Keep the session for the owner's next call."""
    _shelf.lay_back(one)
