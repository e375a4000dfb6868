"""A Coder whose answers are ready before they are asked for, so that it costs next to nothing.

`python -m benchmarks.fixtures PORT USERS` serves on 127.0.0.1 until it is ended.
Whatever stands before `/api/v2` in a path is taken, so that one of them is as
many servers as are wanted. Two answers take turns: every poll finds all values
changed.
"""

import itertools
import sys

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.users import latency_answer

VERSIONS = 2


class Canned:
    """Answers for `users` users, as an ASGI application."""

    def __init__(self, users: int) -> None:
        self._turns = itertools.cycle(latency_answer(users, version) for version in range(VERSIONS))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer the question about latencies; there is nothing else."""
        known = scope["path"].endswith("/api/v2/insights/user-latency")
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200 if known else 404, "headers": headers})
        body = next(self._turns) if known else b'{"message": "not canned"}'
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until SIGTERM."""
    port, users = map(int, sys.argv[1:])
    uvicorn.run(Canned(users), host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
