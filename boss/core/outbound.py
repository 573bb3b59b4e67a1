"""What BOSS asks of other machines over HTTP, and which machines it may ask anything at all.

One guard for everything that leaves the house (drivers, named endpoints, webhooks): the name is resolved once, the
address is checked, and the connection goes to that very address with the name in ``Host`` and in TLS; a name that
changes between check and use gains nothing. One wall-clock deadline lies around resolving, connecting and reading,
because a limit per read lets a server that drips ten bytes a second hold a worker for minutes (measured: 22.8 s under
a "two second" timeout). Redirects are not followed, answers have a largest size, and no proxy is taken from the
environment. ``ip_address.is_global`` is wrong about several tunnels on the Python we ship on; the rule here is not.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from boss.core.networks import NEVER

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_BYTES = 16 * 1024 * 1024
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
    """Requests to one server over one connection. Not for several threads at once; close it."""

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
        self._headers = {"Accept-Encoding": "identity", **(headers or {})}
        self._trusted_ca = trusted_ca
        # A thread of its own for the loop: the caller's may already run one (an ASGI server, a browser test).
        self._thread: ThreadPoolExecutor | None = None
        self._runner: asyncio.Runner | None = None
        self._client: httpx.AsyncClient | None = None
        self._address = ""

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
        if self._thread is None or self._runner is None:
            self._thread, self._runner = ThreadPoolExecutor(1, "boss-http"), asyncio.Runner()
        exchange = self._exchange(method, path, seconds, content, headers or {})
        return self._thread.submit(self._runner.run, exchange).result()

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._thread is None or self._runner is None:
            return
        if self._client is not None:
            self._thread.submit(self._runner.run, self._client.aclose()).result()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
        self._thread = self._runner = self._client = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    async def _exchange(
        self, method: str, path: str, seconds: float, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        until = time.monotonic() + seconds
        if self._client is None:
            plain = self._url.scheme == "http"
            self._address = address_of(self._url.host, self._policy, plain=plain, seconds=seconds)
            self._client = httpx.AsyncClient(
                headers=self._headers | {"Host": self._url.netloc.decode()},
                timeout=None,  # noqa: S113 - the deadline around the whole exchange is the limit
                follow_redirects=False,
                trust_env=False,
                verify=trust(self._trusted_ca),
            )
        url = self._url.copy_with(host=self._address, raw_path=self._url.raw_path.rstrip(b"/") + path.encode())
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                request = self._client.build_request(
                    method, url, content=content, headers=dict(headers), extensions={"sni_hostname": self._url.host}
                )
                response = await self._client.send(request, stream=True)
                try:
                    return Answer(response.status_code, dict(response.headers), await self._body(response))
                finally:
                    await response.aclose()
        except TimeoutError:
            raise NoAnswer("no answer in time", sent=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NoAnswer("no connection", sent=False) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(str(error) or "the answer broke off", sent=True) from error

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # A few compressed bytes may stand for gigabytes; nobody asked for them.
            raise NoAnswer("the answer is compressed, which was not asked for", sent=True)
        found = bytearray()
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) > self._policy.most_bytes:
                raise TooLarge(f"the answer is larger than {self._policy.most_bytes // 1024} kB", sent=True)
        return bytes(found)
