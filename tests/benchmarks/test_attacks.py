"""The table of attacks shows the worst values, and where limits were exceeded."""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from benchmarks.attacks import run as attacks
from benchmarks.attacks.attackers import Effort, attack
from benchmarks.attacks.catalog import ATTACKS, Attack, Script
from benchmarks.attacks.probes import ProbeResult, Target, count_failures, run_probes
from benchmarks.attacks.run import LIMITS, Outcome, build_section
from benchmarks.attacks.variants import (
    ATTACKS_ON_ONE_PROTECTION,
    VARIANTS,
    Variant,
    alternate_variants,
    list_cases,
)
from benchmarks.results import RESULTS, read_tables
from benchmarks.sizes import SMALL

REPEAT_AND_READ = Attack(name="repeat and read", scripts=(Script(repeat=b"x" * 100, reads=True),))
(UNANSWERED,) = (each for each in ATTACKS if each.name == "pipelined requests, responses read")
GOOD = Outcome("flood", "plain", dict.fromkeys(LIMITS, 0.0))


def create_exceeding(key: str) -> Outcome:
    """Return an outcome that exceeds one limit."""
    return replace(GOOD, variant="TLS", values={**GOOD.values, key: 1.1 * LIMITS[key].most + 1})


def test_attack_within_limits_has_no_exceptions() -> None:
    """All verdicts are met."""
    shown = build_section(SMALL, [GOOD, replace(GOOD, variant="TLS")])

    assert [True] * 8 == [verdict.met for verdict in shown.verdicts]
    assert ("flood", "") == (shown.table[1][0], shown.table[1][-1])


@pytest.mark.parametrize("key", [key for key, limit in LIMITS.items() if limit.target])
def test_worst_variant_is_shown(key: str) -> None:
    """Its verdict is not met and names it, as its row does."""
    worst = create_exceeding(key)
    shown = build_section(SMALL, [GOOD, worst])
    unmet = [verdict for verdict in shown.verdicts if not verdict.met]

    assert ["flood", "TLS"] == [shown.table[1][0], shown.table[1][-1]]
    assert LIMITS[key].format(worst.values[key]) in shown.table[1]
    assert [f"under attack: {LIMITS[key].target}"] == [verdict.target for verdict in unmet]
    assert unmet[0].reached.endswith("(flood; TLS)")


def test_one_attack_can_be_selected() -> None:
    """Only this attack runs, with every variant that it fits."""
    chosen = replace(SMALL, attacks=frozenset({"failed logins"}), attack_cases=None)

    assert [
        ("failed logins", "users and rate limit"),
        ("failed logins", "TLS, users and rate limit"),
        ("failed logins", "users"),
    ] == [(attack.name, variant.name) for attack, variant in attacks.select_cases(chosen)]


def test_every_attack_runs_with_and_without_protection() -> None:
    """Each attack runs in plain and TLS, with and without users and rate limit, as far as it fits."""
    expected = {
        "plain": [each.name for each in ATTACKS if not each.tls_only and not each.users_only],
        "TLS": [each.name for each in ATTACKS if not each.users_only],
        "users and rate limit": [each.name for each in ATTACKS if not each.tls_only],
        "TLS, users and rate limit": [each.name for each in ATTACKS],
    }
    cases = [(attack.name, variant.name) for attack, variant in list_cases()]

    assert expected == {name: [attack for attack, variant in cases if variant == name] for name in expected}
    assert len(set(cases)) == len(cases)


def test_some_attacks_run_with_one_protection_alone() -> None:
    """Each further variant has the attacks that its table names, all of which exist."""
    names = {variant: list(attacks) for variant, attacks in ATTACKS_ON_ONE_PROTECTION.items()}
    cases = list_cases()

    assert {variant: sorted(each) for variant, each in names.items()} == {
        variant: sorted(attack.name for attack, each in cases if each == variant) for variant in names
    }


def test_short_form_meets_every_variant() -> None:
    """Each attack has one variant, and each variant an attack."""
    cases = list(alternate_variants())

    assert list(ATTACKS) == [attack for attack, _ in cases]
    assert set(VARIANTS) == {variant for _, variant in cases}


def test_short_form_serves_attackers_that_need_responses() -> None:
    """Attacks with little effect behind a protection run without any."""
    variants = {attack.name: variant for attack, variant in alternate_variants() if attack.needs_responses}

    assert {"plain", "TLS"} == {variant.name for variant in variants.values()}
    assert variants.keys() >= {"responses read slowly or not at all", "expensive filters and pages"}


def test_requests_over_the_rate_limit_are_shown_alone() -> None:
    """Responses of the rate limit do not count as failures."""
    (unlimited,) = (key for key, limit in LIMITS.items() if not limit.target)
    shown = build_section(SMALL, [replace(GOOD, values={**GOOD.values, unlimited: 99.0})])

    assert all(verdict.met for verdict in shown.verdicts)
    assert "99" in shown.table[1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, 0), (429, 0), (0, 1), (401, 1), (408, 1), (500, 1), (503, 1)],
)
def test_failures(status: int, expected: int) -> None:
    """Every response that is neither 200 nor the 429 of the rate limit is a failure."""
    assert expected == count_failures({"kept": [ProbeResult(0.1, 200), ProbeResult(0.1, status)]})


@contextmanager
def serve(respond: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve connections one after the other until the block ends; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(ConnectionError):
                        respond(connection)

        pool.submit(run)
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def read_until_closed(connection: socket.socket) -> None:
    """Read until the client closes the connection."""
    while connection.recv(1000):
        pass


def test_work_is_done_even_if_the_time_is_over() -> None:
    """Each script has sent everything five times and got responses, however short the time."""
    scripts = (Script(first=b"one ", repeat=b"two", reads=True), Script(repeat=b"another", reads=True))
    received: list[bytes] = []

    def respond(connection: socket.socket) -> None:
        received.append(connection.recv(7, socket.MSG_WAITALL))
        connection.sendall(b"done")
        read_until_closed(connection)

    with serve(respond) as port:
        attack(Attack(name="two scripts", scripts=scripts), port, None, Effort(2, seconds=0))

    assert 5 <= received.count(b"one two")
    assert 5 <= received.count(b"another")


def test_connections_come_from_all_addresses() -> None:
    """Each client connects from one of the attack's addresses."""
    script, addresses = Script(first=b"x", reads=True), ("127.0.0.2", "127.0.0.3")
    what = Attack(name="two addresses", scripts=(script,), addresses=addresses)
    seen, held = set[str](), list[socket.socket]()

    def respond(connection: socket.socket) -> None:
        seen.add(connection.getpeername()[0])
        held.append(connection.dup())
        if len(seen) == len(addresses):
            while held:
                held.pop().close()

    with serve(respond) as port:
        attack(what, port, None, Effort(2, seconds=0))

    assert set(addresses) == seen


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_closed_connection_is_done(*, reset: bool) -> None:
    """A server that closes or resets every connection lets the attackers do no more."""

    def respond(connection: socket.socket) -> None:
        connection.recv(1000)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serve(respond) as port:
        attack(REPEAT_AND_READ, port, None, Effort(2, seconds=0, patience=20))


def test_work_that_is_not_done_is_an_error() -> None:
    """A server that does not respond has not withstood the attack."""
    with serve(read_until_closed) as port, pytest.raises(TimeoutError, match="1 of 1"):
        attack(REPEAT_AND_READ, port, None, Effort(1, seconds=0, patience=0.1))


def test_attackers_that_reach_nothing_are_an_error(tmp_path: Path) -> None:
    """An exporter that no client reaches has not withstood the attack."""
    with pytest.raises(RuntimeError, match="ConnectionRefusedError"):
        attacks.run_attackers(tmp_path, Target("http://127.0.0.1:1"), ATTACKS[0], Effort(1, 0.1))


def test_attackers_without_their_means_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack that needs a library of the system fails without it."""
    (updates,) = (each for each in ATTACKS if any(script.key_updates for script in each.scripts))
    monkeypatch.setattr("benchmarks.attacks.attackers._connect", lambda *_, **__: MagicMock())
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)

    with pytest.raises(RuntimeError, match="libssl"):
        attack(updates, 1, None, Effort(1, seconds=60))


def test_measured_attacks_are_kept_if_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each complete outcome is in a section before the next attack begins."""

    def run_cases(*_: object) -> Iterator[Future[Outcome]]:
        complete = Future[Outcome]()
        complete.set_result(GOOD)
        yield complete
        yield Future()
        raise RuntimeError("reached nothing")

    monkeypatch.setattr(attacks, "run_module", MagicMock())
    monkeypatch.setattr(attacks, "write_latency_config", MagicMock())
    monkeypatch.setattr(attacks, "_run_cases", run_cases)
    sections = attacks.measure(SMALL, tmp_path)

    assert [build_section(SMALL, [GOOD])] * 2 == [next(sections), next(sections)]
    with pytest.raises(RuntimeError, match="reached nothing"):
        next(sections)


@pytest.mark.timeout(60)
def test_attackers_have_the_given_patience(tmp_path: Path) -> None:
    """Attackers in other processes end without success as soon as those in this one."""
    with serve(read_until_closed) as port, pytest.raises(RuntimeError, match="TimeoutError: 1 of 1"):
        attacks.run_attackers(
            tmp_path, Target(f"http://127.0.0.1:{port}"), UNANSWERED, Effort(1, 0, patience=0.1)
        )


def test_probes_that_cannot_connect_are_an_error() -> None:
    """The probes that run already are ended."""

    def respond(connection: socket.socket) -> None:
        if b"/metrics" in connection.recv(1000):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with (
        serve(respond) as port,
        pytest.raises(ConnectionResetError),
        run_probes(Target(f"http://127.0.0.1:{port}")),
    ):
        pytest.fail("the probes run")


def test_exporters_end_if_an_attack_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the attacked exporter and the next one are stopped."""
    started, running = list[Path](), set[Path]()

    @contextmanager
    def run_exporter(home: Path, _config: Path, _variant: Variant) -> Iterator[SimpleNamespace]:
        started.append(home)
        running.add(home)
        yield SimpleNamespace(target=MagicMock(), pid=os.getpid(), log_lines=0)
        running.remove(home)

    monkeypatch.setattr(attacks, "run_module", MagicMock())
    monkeypatch.setattr(attacks, "write_latency_config", MagicMock())
    monkeypatch.setattr(attacks, "run_exporter", run_exporter)
    monkeypatch.setattr(attacks, "run_attackers", MagicMock(side_effect=RuntimeError("reached nothing")))

    with pytest.raises(RuntimeError, match="reached nothing"):
        list(attacks.measure(SMALL, tmp_path))
    assert 2 == len(started)
    assert set() == running


def test_every_attack_has_recorded_results() -> None:
    """The results have a row for each attack, in the order of the catalog."""
    recorded = read_tables(RESULTS.read_text(encoding="utf-8"))["Attacks"]

    assert [attack.name for attack in ATTACKS] == [name for name, *_ in recorded[1:]]
