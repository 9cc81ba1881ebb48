"""A small real HTTP server whose answers a test decides, request by request."""

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
    """Of the client: another one is another connection."""


@dataclass
class Reply:
    """An answer; a body that is no bytes is sent as JSON. `declared` lies about the body's length."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None


class Drop:
    """Instead of an answer the connection is closed."""


@dataclass
class Server:
    url: str
    requests: list[Request]


@contextmanager
def serving(answer: Callable[[Request], Reply | Drop], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server on a free port that asks `answer` for each request, and remembers the requests."""
    requests: list[Request] = []
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece: two would wait for one another
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, query, headers, self.client_address[1])
            requests.append(request)
            reply = answer(request)
            if isinstance(reply, Drop):
                self.close_connection = True
                return
            self.send(reply)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # whatever the method
                return self.do_GET
            raise AttributeError(name)

        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):  # the client has left, or trusts no such server
                super().handle()

        def send(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if reply.declared is None else reply.declared))
            if self.command != "GET":
                self.send_header("Connection", "close")  # what came with the request is not read
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

    server = Listener(("127.0.0.1", 0), Handler)
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


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that speaks no HTTP but what `talk` sends, once to each connection, after its request."""
    ended = threading.Event()
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            talk(connection)
            connection.shutdown(socket.SHUT_WR)

    def listen() -> None:
        with suppress(OSError):
            while not ended.is_set():
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=[connection]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        threads.append(threading.Thread(target=listen))
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def replies(*given: Reply | Drop) -> Callable[[Request], Reply | Drop]:
    """Answers in order, the last one for good."""
    left = list(given)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def paged(
    records: list[dict[str, Any]], *, base: int = 0, cap: int = 200, count: Any = ...
) -> Callable[[Request], Reply]:
    """Serves `records` page by page, `page` counted from `base`, at most `cap` a page; `count` may be a lie."""

    def answer(request: Request) -> Reply:
        limit = min(int(request.query["limit"]), cap)
        number = max(int(request.query.get("page", base)) - base, 0)
        body = {
            "count": len(records) if count is ... else count,
            "result": records[number * limit : (number + 1) * limit],
        }
        return Reply(body)

    return answer


def sessions(number: int) -> list[dict[str, Any]]:
    return [{"id": f"session-{i}", "channel": "email"} for i in range(number)]
