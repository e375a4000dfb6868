"""The memory that a poll needs on top of the response, as docs/troubleshooting.md states it."""

import json
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from insights_exporter.coder.request import Response
from insights_exporter.datasets.registry import DATASETS
from tests.datasets.cases import load_context

Rows = Sequence[Mapping[str, Any]]

COUNT = 20_000
USERS: Rows = [
    {
        "template_ids": ["5c6f2f0e-3f0e-4a52-9f0c-0d5f7f0c1a01"],
        "user_id": f"{number:08x}-0000-4000-8000-000000000000",
        "username": f"user-{number}",
        "avatar_url": f"https://example.com/avatars/{number}.png",
        "seconds": 60,
    }
    for number in range(COUNT)
]
VALUES: Rows = [{"value": f"{number}", "count": 1} for number in range(COUNT)]
BAD_USER = {**USERS[0], "seconds": "many"}
BAD_VALUE = {"value": "0", "count": "many"}


def build_user_activity(rows: Rows) -> bytes:
    """Return a response with these users."""
    return dump({"template_ids": [], "users": rows})


def build_templates(rows: Rows) -> bytes:
    """Return a response with one parameter of these values."""
    parameter = {"name": "region", "type": "string", "values": rows}
    return dump({"template_ids": [], "active_users": 1, "apps_usage": [], "parameters_usage": [parameter]})


def dump(report: Mapping[str, Any]) -> bytes:
    """Return a response with this report, as short as JSON can be."""
    times = {"start_time": "2026-05-14T00:00:00Z", "end_time": "2026-05-20T15:00:00Z"}
    return json.dumps({"report": {**times, **report}}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("dataset", "body", "most"),
    [
        pytest.param("user-activity", build_user_activity(USERS), 4, id="users"),
        pytest.param(
            "user-activity", build_user_activity([*USERS, BAD_USER]), 6, id="users, one row invalid"
        ),
        pytest.param("templates", build_templates(VALUES), 15, id="parameter values"),
        pytest.param("templates", build_templates([*VALUES, BAD_VALUE]), 16, id="values, one row invalid"),
    ],
)
def test_memory_is_a_multiple_of_the_response(dataset: str, body: bytes, most: int) -> None:
    """Decoding and converting a response needs at most `most` times its size, the response included."""
    context = load_context("7d")
    request, *_ = DATASETS[dataset].requests(context)
    tracemalloc.start()
    DATASETS[dataset].convert(context, Response(request, body))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(body) > 20 * COUNT
    assert peak / len(body) + 1 < most
