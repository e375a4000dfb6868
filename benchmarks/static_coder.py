"""A fake Coder with precomputed responses, which uses almost no CPU time.

`python -m benchmarks.static_coder PORT USERS` serves on 127.0.0.1 until SIGTERM.
Any path prefix before `/api/v2` is accepted, so one process stands in for any number
of deployments. Two responses alternate, so every poll sees all values changed.
"""

import itertools
import sys

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.users import render_latencies

VERSIONS = 2


class StaticCoder:
    """An ASGI application with the latencies of `users` users."""

    def __init__(self, users: int) -> None:
        self._responses = itertools.cycle(render_latencies(users, version) for version in range(VERSIONS))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the next latency response; any other path is not found."""
        known = scope["path"].endswith("/api/v2/insights/user-latency")
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200 if known else 404, "headers": headers})
        body = next(self._responses) if known else b'{"message": "not found"}'
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until SIGTERM."""
    port, users = map(int, sys.argv[1:])
    uvicorn.run(StaticCoder(users), host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
