"""Listening addresses, and memory that is returned to the system."""

import asyncio
import socket
from dataclasses import replace

import pytest

from insights_exporter.web.server import format_address, listen, split_address
from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, Address, is_served, serving

LIMITS = replace(GENEROUS, memory_seconds=0.02)


async def connect(address: Address, number: int) -> None:
    """Keep this many connections open until another one gets its response."""
    writers = [(await asyncio.open_connection(*address))[1] for _ in range(number)]
    await is_served(address)
    for writer in writers:
        writer.close()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((40,), 1, id="many"),
        pytest.param((3, 40, 3), 1, id="many and few"),
        pytest.param((3, 4), 0, id="few"),
    ],
)
async def test_memory_is_returned_after_many_connections(
    numbers: tuple[int, ...], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is returned after many connections have ended, and only then."""
    returned: list[bool] = []
    monkeypatch.setattr("insights_exporter.web.server.trim_heap", lambda: returned.append(True))
    async with serving(LIMITS) as (server, address):
        for number in numbers:
            await connect(address, number)
            await eventually_async(lambda: not server.tracker.connections)
            await eventually_async(lambda: server.tracker.peak < 32)
        await eventually_async(lambda: len(returned) >= expected)

    assert expected == len(returned)


def reaches(host: str, port: int) -> bool:
    """Return whether a client gets a connection to the address."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("address", "families"),
    [
        pytest.param(":0", (True, True), id="no host"),
        pytest.param("[::]:0", (True, True), id="IPv6 wildcard"),
        pytest.param("0.0.0.0:0", (True, False), id="IPv4 wildcard"),
        pytest.param("127.0.0.1:0", (True, False), id="IPv4 address"),
        pytest.param("[::1]:0", (False, True), id="IPv6 address"),
        pytest.param("localhost:0", (True, False), id="host name"),
    ],
)
def test_families(address: str, families: tuple[bool, bool]) -> None:
    """Both wildcards without a family serve IPv4 and IPv6; any other address serves its own family."""
    with listen(address) as listener:
        port = listener.getsockname()[1]

        assert families == (reaches("127.0.0.1", port), reaches("::1", port))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":12112", ("", 12112)),
        ("localhost:1", ("localhost", 1)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("[::1]:12112", ("::1", 12112)),
        ("[fe80::1%eth0]:12112", ("fe80::1%eth0", 12112)),
    ],
)
def test_address(text: str, expected: tuple[str, int]) -> None:
    """Addresses have the form that Go programs use."""
    assert expected == split_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12112",
        "localhost",
        ":65536",
        ":-1",
        ":http",
        ":\N{ARABIC-INDIC DIGIT ONE}",
        "::1:12112",
        "[::1:12112",
        "::1]:12112",
        "[]:12112",
        " :12112",
        "http://localhost:12112",
        ":12112,:12113",
    ],
)
def test_no_address(text: str) -> None:
    """Other addresses are refused with the expected form."""
    with pytest.raises(ValueError, match="write it as HOST:PORT"):
        split_address(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "localhost"), (":0", "localhost"), ("[::1]:0", "[::1]")],
)
def test_shown_address(address: str, shown: str) -> None:
    """The displayed address can be opened on this machine."""
    with listen(address) as listener:
        assert f"{shown}:{listener.getsockname()[1]}" == format_address(listener)
