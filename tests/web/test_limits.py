"""The connection that is closed if there are too many."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from insights_exporter.web.limits import ConnectionTracker, ServerLimits, find_network

HERE, THERE, NEAR_THERE = "192.0.2.1", "2001:db8::1", "2001:db8::ffff:2"


@dataclass(eq=False)
class Client:
    """A connection by its responses and its state."""

    accepted: bool | None = None
    host: str = HERE
    served: bool = False
    rate: float = math.inf
    connected: float = 10.0
    """The time at which it began to wait; the newest does at 10 s."""
    aborted: bool = False

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """Return its address, if it has one."""
        return (self.host, 1) if self.host else None

    def measure_reading_rate(self) -> float:
        """Return the rate, which is not known again for a moment."""
        rate, self.rate = self.rate, math.inf
        return rate

    def abort(self) -> None:
        """Record that the connection was closed."""
        self.aborted = True

    shutdown = abort


@pytest.mark.parametrize(
    ("clients", "expected"),
    [
        pytest.param({"first": Client(), "second": Client()}, "first", id="the longest wait"),
        pytest.param({"good": Client(accepted=True), "new": Client()}, "new", id="no response yet"),
        pytest.param(
            {"good": Client(accepted=True), "new": Client(), "refused": Client(accepted=False)},
            "refused",
            id="only errors",
        ),
        pytest.param(
            {"new": Client(), "served": Client(accepted=False, served=True)},
            "served",
            id="only errors, being served",
        ),
        pytest.param(
            {"served": Client(accepted=False, served=True), "waits": Client(accepted=False)},
            "waits",
            id="errors: waits first",
        ),
        pytest.param(
            {"login": Client(accepted=False, served=True), "other": Client(accepted=False, served=True)},
            "other",
            id="errors: the request that began last",
        ),
        pytest.param(
            {
                "first": Client(accepted=True),
                "second": Client(accepted=True),
                "third": Client(accepted=True),
                "new": Client(),
            },
            "first",
            id="most are accepted",
        ),
        pytest.param(
            {
                "good": Client(accepted=True, host=THERE),
                "one": Client(accepted=True),
                "other": Client(accepted=True),
            },
            "one",
            id="the address with the most connections",
        ),
        pytest.param(
            {
                "good": Client(accepted=True),
                "one": Client(accepted=True, host=THERE),
                "near": Client(accepted=True, host=NEAR_THERE),
                "far": Client(accepted=True, host=THERE),
            },
            "one",
            id="the IPv6 network with the most connections",
        ),
        pytest.param(
            {"good": Client(host=THERE), "one": Client(), "busy": Client(accepted=True, served=True)},
            "one",
            id="connections of an address that are being served count",
        ),
        pytest.param(
            {"good": Client(accepted=True), "new": Client(served=True), "other": Client(served=True)},
            "other",
            id="no response yet, being served: the request that began last",
        ),
        pytest.param(
            {"slow": Client(served=True, rate=1.0), "fast": Client(served=True, rate=1e9)}
            | {"new": Client(served=True)},
            "slow",
            id="no response yet, being served: the slowest reader",
        ),
        pytest.param(
            {"good": Client(accepted=True), "new": Client(served=True)}
            | {f"login {number}": Client(host=THERE, served=True) for number in range(5)}
            | {"last": Client(served=True)},
            "login 4",
            id="no response yet, being served: the address with the most connections",
        ),
        pytest.param(
            {f"good {number}": Client(accepted=True) for number in range(3)} | {"new": Client(served=True)},
            "good 0",
            id="most are accepted: none that is being served",
        ),
        pytest.param(
            {"good": Client(accepted=True, host="")}, "good", id="only one other waits, without an address"
        ),
        pytest.param(
            {
                "slow": Client(accepted=True, served=True, rate=1.0),
                "fast": Client(accepted=True, served=True),
            },
            "slow",
            id="none waits: the slowest reader",
        ),
        pytest.param(
            {
                "slow": Client(accepted=True, served=True, rate=1.0),
                "refused": Client(accepted=False, served=True),
            },
            "refused",
            id="only errors, before a slow reader",
        ),
        pytest.param({"fast": Client(accepted=True, served=True)}, "newest", id="none waits, none is slow"),
        pytest.param(
            {"handshake": Client(), "slow": Client(served=True, rate=1.0)},
            "slow",
            id="no response yet: a slow reader before a handshake",
        ),
        pytest.param(
            {f"slow {number}": Client(accepted=True, served=True, rate=1.0 + number) for number in range(3)}
            | {"handshake": Client(host=THERE)},
            "slow 0",
            id="most are accepted: a slow reader of the address with the most connections",
        ),
        pytest.param(
            {"idle": Client(connected=8.0), "slow": Client(served=True, rate=1.0)},
            "idle",
            id="no response yet: an idle connection before a slow reader",
        ),
        pytest.param(
            {"first": Client(), "second": Client(), "slow": Client(served=True, rate=1.0)},
            "first",
            id="no response yet: more are waiting than slow",
        ),
    ],
)
def test_connection_that_is_closed(clients: Mapping[str, Client], expected: str) -> None:
    """Above the limit exactly one connection is closed, by the documented order."""
    now = 0.0
    tracker = ConnectionTracker(ServerLimits(connections=len(clients)), clock=lambda: now)
    newest = Client()
    for client in clients.values():
        now = client.connected
        tracker.set_waiting(client)
        if client.served:
            tracker.set_responding(client)

    now = newest.connected
    tracker.set_waiting(newest)

    everyone = {**clients, "newest": newest}
    assert [expected] == [name for name, client in everyone.items() if client.aborted]
    assert {name for name in everyone if name != expected} == {
        name for name, client in everyone.items() if client in tracker.connections
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:2:3:4", True, id="an IPv6 network"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two IPv6 networks"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="IPv4 addresses"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="IPv4 addresses on an IPv6 socket"),
        pytest.param("fe80::1%eth0", "fe80::2%eth0", True, id="addresses with a scope"),
    ],
)
def test_networks(one: str, other: str, expected: bool) -> None:
    """The addresses of an IPv6 network count as one client; each IPv4 address counts by itself."""
    assert expected == (find_network((one, 1)) == find_network((other, 2)))
