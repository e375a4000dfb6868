"""A server and a proxy that echo their requests."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Echo(BaseHTTPRequestHandler):
    """Repeats the headers of each request in every part of the response."""

    def do_GET(self) -> None:
        """Respond in one of several invalid ways."""
        received = " ".join(self.headers.values())
        for value in self.headers.get_all("Proxy-Authorization", []):
            received += " " + b64decode(value.removeprefix("Basic ")).decode()
        status, headers, body = _build_response(self.path, received)
        self.send_response(status, received)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Refuse a tunnel, with the request's headers in the reason."""
        self.send_response(407, " ".join(self.headers.values()))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Report nothing."""


def _build_response(path: str, received: str) -> tuple[int, dict[str, str], bytes]:
    if "daus" in path:
        padding = "." * (hash(path) % 50 + 120)
        return 400, {}, json.dumps({"message": padding + received, "detail": received}).encode()
    if "status" in path:
        return (
            302,
            {"Location": f"http://127.0.0.1:9/{received}", "Retry-After": received, "Date": received},
            b"",
        )
    if "buildinfo" in path:
        return 500, {"X-RateLimit-Remaining": received}, received.encode()
    echoed = {"start_time": received, "end_time": received, "template_ids": received}
    report = echoed | {"active_users": 1, "apps_usage": [], "parameters_usage": [], "users": []}
    return 200, {}, json.dumps({"report": report}).encode()


@contextmanager
def serve_echo(secret: Callable[[str], str]) -> Iterator[list[dict[str, Any]]]:
    """Serve it and yield the config of a deployment that polls it and of one that uses it as proxy."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        address = f"127.0.0.1:{server.server_port}"
        headers = {"X-Gateway": f"Bearer {secret('gateway')}"}
        common = {"headers": headers, "token": secret("token")}
        try:
            yield [
                {"name": "echo", "url": f"http://{address}", **common},
                {
                    "name": "echoing proxy",
                    "url": "http://coder.invalid",
                    "proxy": f"http://user:{secret('proxy')}@{address}",
                    **common,
                },
                {
                    "name": "tunnelling proxy",
                    "url": "https://coder.invalid",
                    "proxy": f"http://user:{secret('proxy')}@{address}",
                    **common,
                },
            ]
        finally:
            server.shutdown()
            thread.join()
