"""Passwords are checked by bcrypt, remembered without being kept, and tell nobody who exists."""

import asyncio
import threading
from collections.abc import Callable

import bcrypt
import pytest

from insights_exporter.web.webconfig import auth as passwords
from insights_exporter.web.webconfig.auth import LoginLimits, PasswordChecker, TooManyLogins
from tests.integration.waiting import eventually_async


def hashed(password: bytes, cost: int = 4) -> bytes:
    """Give a hash as htpasswd makes it."""
    return bcrypt.hashpw(password[:72], bcrypt.gensalt(cost)).replace(b"$2b$", b"$2y$")


USERS = {b"alice": hashed(b"secret"), "jürgen".encode(): hashed("groß:er".encode())}
LONG = b"x" * 80


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the costs of all checks, as they are made."""
    seen: list[int] = []
    check: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def spy(password: bytes, stored: bytes) -> bool:
        seen.append(int(stored.split(b"$")[2]))
        return check(password, stored)

    monkeypatch.setattr("bcrypt.checkpw", spy)
    return seen


@pytest.mark.parametrize(
    ("user", "password", "right"),
    [
        pytest.param(b"alice", b"secret", True, id="right"),
        pytest.param(b"alice", b"Secret", False, id="wrong"),
        pytest.param(b"alice", b"", False, id="empty"),
        pytest.param(b"alice", b"secret\0", False, id="with a zero byte"),
        pytest.param(b"bob", b"secret", False, id="unknown user"),
        pytest.param(b"", b"", False, id="nobody"),
        pytest.param("jürgen".encode(), "groß:er".encode(), True, id="beyond ASCII"),
        pytest.param(b"alice", USERS[b"alice"], False, id="the hash itself"),
        pytest.param(b"\xff\xfe", b"\xff", False, id="no text at all"),
    ],
)
async def test_only_the_right_password_of_a_known_user_is_accepted(
    user: bytes, password: bytes, right: bool
) -> None:
    """Twice, so that what is remembered is right too."""
    checker = PasswordChecker()

    assert [right, right] == [await checker.verify(USERS, user, password) for _ in range(2)]


async def test_the_decoys_password_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever found it would still be nobody."""
    monkeypatch.setattr(passwords, "_DUMMY_HASH", hashed(b"decoy"))
    checker = PasswordChecker()

    assert [False, False] == [await checker.verify(USERS, b"bob", b"decoy") for _ in range(2)]


async def test_passwords_beyond_what_bcrypt_reads_are_cut() -> None:
    """As the tools do that make the hashes."""
    users = {b"alice": hashed(LONG)}

    assert await PasswordChecker().verify(users, b"alice", LONG)
    assert not await PasswordChecker().verify(users, b"alice", LONG[:71])


async def test_an_unknown_user_costs_what_is_usual(costs: list[int]) -> None:
    """One check of a fixed cost, whatever the costs in the file."""
    checker, users = PasswordChecker(), {b"alice": hashed(b"secret", 5), b"bob": hashed(b"secret", 4)}
    for user in (b"carol", b"carol", b"dave"):
        await checker.verify(users, user, b"wrong")

    assert [10, 10, 10] == costs


async def test_a_right_password_is_checked_once(costs: list[int]) -> None:
    """A scrape does not pay for bcrypt each time, and others with the same login wait for the first."""
    checker = PasswordChecker()

    accepted = await asyncio.gather(*(checker.verify(USERS, b"alice", b"secret") for _ in range(5)))

    assert [True] * 5 == accepted
    assert [4] == costs


async def test_wrong_passwords_push_nothing_out(costs: list[int]) -> None:
    """Whoever guesses cannot make the scrape slow."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")
    for number in range(50):
        await checker.verify(USERS, b"alice", str(number).encode())
    costs.clear()

    assert await checker.verify(USERS, b"alice", b"secret")
    assert [] == costs


async def test_what_is_remembered_is_bounded(costs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The login that was used longest ago is forgotten first."""
    monkeypatch.setattr(passwords, "_MAX_CACHED", 2)
    checker, users = PasswordChecker(), {name: hashed(name) for name in (b"a", b"b", b"c")}
    for name in (b"a", b"b", b"a", b"c"):
        await checker.verify(users, name, name)
    costs.clear()
    for name in (b"a", b"c"):
        await checker.verify(users, name, name)
    remembered = list(costs)
    await checker.verify(users, b"b", b"b")

    assert ([], [4]) == (remembered, costs)


async def test_a_changed_hash_ends_what_is_remembered() -> None:
    """The old password of a user is wrong from the next request on."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")

    assert not await checker.verify({b"alice": hashed(b"other")}, b"alice", b"secret")


async def test_no_password_is_kept() -> None:
    """What is remembered holds none, and nothing that could be tried against a list of them."""
    checker, twin = PasswordChecker(), PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")
    await twin.verify(USERS, b"alice", b"secret")

    assert b"secret" not in repr(vars(checker)).encode()
    assert checker._cache.keys().isdisjoint(twin._cache)  # noqa: SLF001 - the point is what it holds


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"alicesecret", b""), id="user takes the password"),
        pytest.param((b"alic", b"esecret"), id="user gives to the password"),
        pytest.param((b"alice" + USERS[b"alice"], b"secret"), id="user takes the hash"),
    ],
)
async def test_logins_that_run_together_stay_apart(parts: tuple[bytes, bytes]) -> None:
    """Moving letters between user, hash and password does not hit what is remembered of another."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")

    assert not await checker.verify(USERS, *parts)


def test_what_is_remembered_depends_on_where_parts_begin() -> None:
    """The same bytes split in another place are another login."""
    checker = PasswordChecker()

    assert checker._cache_key(b"ab", b"c") != checker._cache_key(b"a", b"bc")  # noqa: SLF001 - no login shows it


def guesses(checker: PasswordChecker, number: int, client: str = "") -> list[asyncio.Task[bool]]:
    """Start guesses of a client."""
    return [
        asyncio.create_task(checker.verify(USERS, b"alice", str(guess).encode(), client))
        for guess in range(number)
    ]


@pytest.mark.parametrize(
    "limits",
    [LoginLimits(waiting=3, waiting_per_client=100), LoginLimits(waiting=100, waiting_per_client=3)],
    ids=["in all", "of a client"],
)
async def test_only_so_many_wait(limits: LoginLimits) -> None:
    """A flood of guesses is refused, not queued without end."""
    checker = PasswordChecker(limits)

    results = await asyncio.gather(*guesses(checker, 6), return_exceptions=True)

    assert [False] * 4 == results[:4]
    assert [TooManyLogins] * 2 == [type(result) for result in results[4:]]
    assert await checker.verify(USERS, b"alice", b"secret")


async def test_clients_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that guesses much does not keep another one waiting for all of its guesses."""
    checked: list[bytes] = []

    def check(password: bytes, _: bytes) -> bool:
        checked.append(password)
        return False

    monkeypatch.setattr("bcrypt.checkpw", check)
    checker = PasswordChecker()

    flood = guesses(checker, 10, "flood")
    await asyncio.sleep(0)
    await checker.verify(USERS, b"alice", b"other", "other")
    await asyncio.gather(*flood)

    assert checked.index(b"other") <= 2
    assert 11 == len(checked)


@pytest.mark.parametrize(
    "limits", [LoginLimits(wait_seconds=0), LoginLimits(check_seconds=0)], ids=["turn", "check"]
)
async def test_late_logins_are_refused(limits: LoginLimits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login whose turn or result does not come in time is refused, and its turn ends with its thread."""
    go_on, checked = threading.Event(), list[bytes]()

    def check(password: bytes, _: bytes) -> bool:
        checked.append(password)
        return go_on.wait()

    monkeypatch.setattr("bcrypt.checkpw", check)
    checker = PasswordChecker(limits)

    first, second = guesses(checker, 2)
    with pytest.raises(TooManyLogins):
        await (first if limits.check_seconds == 0 else second)
    go_on.set()
    await asyncio.gather(first, second, return_exceptions=True)

    later = asyncio.create_task(checker.verify(USERS, b"alice", b"x"))

    await eventually_async(lambda: b"x" in checked)
    await asyncio.gather(later, return_exceptions=True)


async def test_logins_of_clients_that_are_gone_are_dropped(costs: list[int]) -> None:
    """A login that waits is not checked once its client is gone, and its response blames no password."""
    checker = PasswordChecker()

    first, second = guesses(checker, 2)
    left = asyncio.create_task(checker.verify(USERS, b"alice", b"x", is_disconnected=lambda: True))
    await asyncio.sleep(0)
    second.cancel()
    results = await asyncio.gather(first, second, left, return_exceptions=True)

    assert [False, asyncio.CancelledError, TooManyLogins] == [results[0], *map(type, results[1:])]
    assert [4] == costs
