"""A small HTTP server on a real socket whose responses a test decides, request by request."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    port: int
    """The client's; another port is another connection."""


@dataclass
class Reply:
    """A response; a body other than bytes is sent as JSON. `declared` overrides `Content-Length`."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None


class Drop:
    """Closes the connection without a response."""


@dataclass
class Server:
    url: str
    requests: list[Request]


@contextmanager
def serving(
    respond: Callable[[Request], Reply | Drop], tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Server]:
    """Runs a server that calls `respond` for each request and records the requests; port 0 is any free one."""
    requests: list[Request] = []
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write per response: two would wait for each other's acknowledgement
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, query, headers, self.client_address[1])
            requests.append(request)
            reply = respond(request)
            if isinstance(reply, Drop):
                self.close_connection = True
                return
            self.send(reply)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # every method is handled alike
                return self.do_GET
            raise AttributeError(name)

        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):  # the client closed, or does not trust the certificate
                super().handle()

        def send(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if reply.declared is None else reply.declared))
            if self.command != "GET":
                self.send_header("Connection", "close")  # the body of the request is not read
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.close_connection = self.close_connection or reply.declared is not None

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        request_queue_size = 128

        def process_request(self, request: Any, client_address: Any) -> None:
            connections.append(request)
            super().process_request(request, client_address)

    server = Listener(("127.0.0.1", port), Handler)
    server.daemon_threads = False
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", requests)
    finally:
        server.shutdown()
        thread.join()
        for connection in connections:  # those that a client keeps open, so that no handler waits for it
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
