"""Sample users in the form of Coder's responses, the same for all programs.

`python -m benchmarks.users USERS VERSION` prints the response.
"""

import json
import sys
from collections.abc import Iterator
from random import Random
from typing import NamedTuple


class UserLatency(NamedTuple):
    """One user's connections, latencies in milliseconds."""

    user_id: str
    username: str
    template_id: str
    p50: float
    p95: float


def generate_users(users: int, version: int = 0) -> Iterator[UserLatency]:
    """Yield the same users in all versions, with latencies that depend on the version."""
    ids, speeds = map(Random, (f"ids {users}", f"speeds {users} {version}"))
    for number in range(users):
        p50, p95 = speeds.uniform(5, 100), speeds.uniform(100, 400)
        yield UserLatency(
            _generate_uuid(ids), f"user-{number:06d}", _generate_uuid(ids), round(p50, 6), round(p95, 4)
        )


def render_latencies(users: int, version: int = 0) -> bytes:
    """Return Coder's response for user latencies, about 250 bytes per user."""
    rows = [
        {
            "template_ids": [user.template_id],
            "user_id": user.user_id,
            "username": user.username,
            "avatar_url": f"https://example.com/avatars/{user.username}.png",
            "latency_ms": {"p50": user.p50, "p95": user.p95},
        }
        for user in generate_users(users, version)
    ]
    span = {"start_time": "2024-05-01T00:00:00Z", "end_time": "2024-05-08T00:00:00Z"}
    return json.dumps({"report": {**span, "template_ids": [], "users": rows}}).encode()


def _generate_uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def main() -> None:
    """Print the response for the given arguments."""
    sys.stdout.buffer.write(render_latencies(*map(int, sys.argv[1:])))


if __name__ == "__main__":
    main()
