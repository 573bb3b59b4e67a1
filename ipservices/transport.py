"""HTTP for drivers: one wall-clock deadline, a size cap, no redirects, and only networks a driver may reach.

A per-read timeout lets a server that drips ten bytes a second hold a worker for minutes (measured: 22.8 s under a
"two second" timeout), so the whole exchange runs under one ``asyncio.timeout``. The host is resolved once, the address
is checked, and the connection goes to that very address, so a name that changes between check and use gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_BYTES = 16 * 1024 * 1024
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# Tunnels that embed an IPv4 address; ``is_global`` is wrong about them on the Python we ship on.
_NOT_GLOBAL_V6 = (ipaddress.ip_network("2001::/23"), ipaddress.ip_network("2002::/16"))


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and decoded body (None when empty, text when it is not JSON)."""

    status: int
    body: Any


def is_public(address: Address) -> bool:
    """Whether ``address`` is a global unicast address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_GLOBAL_V6)


def reachable_address(host: str, networks: tuple[str, ...]) -> str:
    """Resolve ``host`` once to an address a driver may connect to. Raises Unreachable or Invalid."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"the name {host} cannot be resolved") from error
    allowed = [ipaddress.ip_network(network) for network in networks]
    for *_rest, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if is_public(address) or any(address in network for network in allowed):
            return str(address)
    raise Invalid(
        f"{host} is in a network that the drivers of this provider may not reach; the platform operator can allow it",
        host=host,
    )


class HttpTransport:
    """JSON over HTTP to one server, under one deadline for all requests of one driver call."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
    ) -> None:
        self._url = httpx.URL(base_url)
        self._headers = dict(headers)
        self._deadline = deadline
        self._networks = networks
        self._note = note
        # A thread of its own for the loop: the caller's may already run one (an ASGI server, a browser test).
        self._thread: ThreadPoolExecutor | None = None
        self._runner: asyncio.Runner | None = None
        self._client: httpx.AsyncClient | None = None

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """One exchange. Raises AuthFailed on 401 and 403, Transient on 429 and 5xx, Unreachable without an answer."""
        started = time.monotonic()
        written = {"method": method, "path": path} | ({"body": body} if body is not None else {})
        try:
            answer = self._run(method, path, body)
        except (TimeoutError, httpx.HTTPError) as error:
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            words = (
                "no connection" if unsent else "no answer in time" if isinstance(error, TimeoutError) else str(error)
            )
            self._note(written, {"error": words}, started)
            raise Unreachable(words, outcome_unknown=method != "GET" and not unsent) from error
        self._note(written, {"status": answer.status, "body": answer.body}, started)
        if answer.status in (401, 403):
            raise AuthFailed(f"the server answered {answer.status}")
        if answer.status == 429 or answer.status >= 500:
            raise Transient(f"the server answered {answer.status}: {answer.body}", outcome_unknown=answer.status >= 500)
        if 300 <= answer.status < 400:
            raise Invalid(f"the server answered {answer.status}; redirects are not followed")
        return answer

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._thread is None or self._runner is None:
            return
        if self._client is not None:
            self._thread.submit(self._runner.run, self._client.aclose()).result()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
        self._thread = self._runner = self._client = None

    def _run(self, method: str, path: str, body: Any) -> Answer:
        if self._thread is None or self._runner is None:
            self._thread, self._runner = ThreadPoolExecutor(1, "boss-http"), asyncio.Runner()
        return self._thread.submit(self._runner.run, self._exchange(method, path, body)).result()

    async def _exchange(self, method: str, path: str, body: Any) -> Answer:
        if self._deadline.passed:
            raise TimeoutError
        async with asyncio.timeout(self._deadline.left):
            if self._client is None:
                address = reachable_address(self._url.host, self._networks)
                self._client = httpx.AsyncClient(
                    base_url=self._url.copy_with(host=address),
                    headers=self._headers | {"Host": self._url.netloc.decode()},
                    timeout=None,  # noqa: S113 - the deadline around the whole exchange is the limit
                    follow_redirects=False,
                    trust_env=False,
                )
            request = self._client.build_request(method, path, json=body, extensions={"sni_hostname": self._url.host})
            response = await self._client.send(request, stream=True)
            try:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise Transient("the answer is larger than 16 MB")
            finally:
                await response.aclose()
        return Answer(response.status_code, _decoded(bytes(content)))


def _decoded(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content[:2000].decode(errors="replace")
