"""A driver may be called from a thread that already runs an event loop."""

from __future__ import annotations

import asyncio
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from ipservices.contracts import Deadline
from ipservices.transport import HttpTransport


class _Yes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"yes": true}')

    def log_message(self, *_args: object) -> None:
        """Quiet."""


def test_a_request_made_inside_a_running_loop_is_answered():
    server = HTTPServer(("127.0.0.1", 0), _Yes)
    Thread(target=server.serve_forever, daemon=True).start()
    transport = HttpTransport(
        f"http://127.0.0.1:{server.server_port}",
        headers={},
        deadline=Deadline(5),
        networks=("127.0.0.0/8",),
        note=lambda *_exchange: None,
    )

    async def inside() -> object:
        return transport.request("GET", "/").body

    try:
        assert asyncio.run(inside()) == {"yes": True}
    finally:
        transport.close()
        server.shutdown()
