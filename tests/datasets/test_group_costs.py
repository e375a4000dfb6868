"""The cost of groups in a large deployment."""

import time
import tracemalloc
from dataclasses import replace

import pytest

from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets import groups
from insights_exporter.demo import EmbeddedCoder, Population
from tests.datasets.cases import load_context
from tests.demo.client import send_request

MOST_BYTES = 100e6
MOST_SECONDS = 1.0


@pytest.fixture(scope="module")
def body() -> bytes:
    """Return the response of a server with 5 000 users in 50 groups, and in the groups of all users."""
    coder = EmbeddedCoder(population=Population(users=5000, templates=3, teams=50))
    return bytes(send_request(coder, "/groups").body)


def test_large_groups_are_cheap(body: bytes) -> None:
    """The response is converted, and joined with the activity of all users, in bounded memory and time."""
    context = load_context("7d")
    tracemalloc.start()
    result = groups.convert(context, Response(Request("/groups"), body))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    began = time.process_time()
    again = groups.convert(context, Response(Request("/groups"), body))
    seconds = {user: 60.0 for group in again.groups for user in group.members}
    tuple(groups.group_activity(replace(context, groups=again.groups), seconds))
    groups.group_quality(replace(context, groups=again.groups), {"p50": seconds, "p95": seconds})
    took = time.process_time() - began

    assert len(body) > 4e6
    assert 52 == len(result.groups)
    assert peak + len(body) < MOST_BYTES
    assert took < MOST_SECONDS


def test_nothing_but_ids_of_members_is_kept(body: bytes) -> None:
    """Neither names nor e-mail addresses of members are decoded."""
    result = groups.convert(load_context("7d"), Response(Request("/groups"), body))

    assert b"@example.com" in body
    assert "@example.com" not in repr(result)
    assert {36} == {len(user) for group in result.groups for user in group.members}
