"""Passwords are checked by bcrypt, cached as digests, and do not show which users exist."""

import asyncio
import threading
from collections.abc import Callable

import bcrypt
import pytest

from insights_exporter.web.webconfig import auth as passwords
from insights_exporter.web.webconfig.auth import FairLock, LoginLimits, PasswordChecker, TooManyLogins
from tests.integration.waiting import eventually_async


def hash_password(password: bytes, cost: int = 4) -> bytes:
    """Return a hash in the form of htpasswd."""
    return bcrypt.hashpw(password[:72], bcrypt.gensalt(cost)).replace(b"$2b$", b"$2y$")


USERS = {b"alice": hash_password(b"secret"), "jürgen".encode(): hash_password("groß:er".encode())}
LONG = b"x" * 80


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the bcrypt costs of all checks."""
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
        pytest.param(b"", b"", False, id="no login"),
        pytest.param("jürgen".encode(), "groß:er".encode(), True, id="beyond ASCII"),
        pytest.param(b"alice", USERS[b"alice"], False, id="the hash itself"),
        pytest.param(b"\xff\xfe", b"\xff", False, id="no text at all"),
    ],
)
async def test_only_the_right_password_of_a_known_user_is_accepted(
    user: bytes, password: bytes, right: bool
) -> None:
    """Only the right password of a known user is accepted, also from the cache."""
    checker = PasswordChecker()

    assert [right, right] == [await checker.verify(USERS, user, password) for _ in range(2)]


async def test_password_of_the_dummy_hash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password of the dummy hash is refused."""
    monkeypatch.setattr(passwords, "_DUMMY_HASH", hash_password(b"dummy"))
    checker = PasswordChecker()

    assert [False, False] == [await checker.verify(USERS, b"bob", b"dummy") for _ in range(2)]


async def test_long_passwords_are_cut() -> None:
    """Passwords are cut to the length that bcrypt reads, as htpasswd does."""
    users = {b"alice": hash_password(LONG)}

    assert await PasswordChecker().verify(users, b"alice", LONG)
    assert not await PasswordChecker().verify(users, b"alice", LONG[:71])


async def test_unknown_user_costs_a_check(costs: list[int]) -> None:
    """An unknown user costs one check of a fixed cost."""
    checker, users = (
        PasswordChecker(),
        {b"alice": hash_password(b"secret", 5), b"bob": hash_password(b"secret", 4)},
    )
    for user in (b"carol", b"carol", b"dave"):
        await checker.verify(users, user, b"wrong")

    assert [10, 10, 10] == costs


async def test_a_right_password_is_checked_once(costs: list[int]) -> None:
    """A right password is checked once, also for concurrent requests."""
    checker = PasswordChecker()

    accepted = await asyncio.gather(*(checker.verify(USERS, b"alice", b"secret") for _ in range(5)))

    assert [True] * 5 == accepted
    assert [4] == costs


async def test_wrong_passwords_do_not_evict(costs: list[int]) -> None:
    """Wrong passwords do not remove right ones from the cache."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")
    for number in range(50):
        await checker.verify(USERS, b"alice", str(number).encode())
    costs.clear()

    assert await checker.verify(USERS, b"alice", b"secret")
    assert [] == costs


async def test_cache_is_limited(costs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is limited; the least recently used login is removed first."""
    monkeypatch.setattr(passwords, "_MAX_CACHED", 2)
    checker, users = PasswordChecker(), {name: hash_password(name) for name in (b"a", b"b", b"c")}
    for name in (b"a", b"b", b"a", b"c"):
        await checker.verify(users, name, name)
    costs.clear()
    for name in (b"a", b"c"):
        await checker.verify(users, name, name)
    remembered = list(costs)
    await checker.verify(users, b"b", b"b")

    assert ([], [4]) == (remembered, costs)


async def test_changed_hash_is_not_cached() -> None:
    """The old password of a user is wrong from the next request on."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")

    assert not await checker.verify({b"alice": hash_password(b"other")}, b"alice", b"secret")


async def test_cache_holds_no_password() -> None:
    """The cache holds no password, and its digests are keyed per process."""
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
async def test_cache_key_separates_user_hash_and_password(parts: tuple[bytes, bytes]) -> None:
    """Moving characters between user, hash and password does not hit the cache of another login."""
    checker = PasswordChecker()
    await checker.verify(USERS, b"alice", b"secret")

    assert not await checker.verify(USERS, *parts)


def test_cache_key_depends_on_boundaries() -> None:
    """The cache key depends on the boundaries between user, hash and password."""
    checker = PasswordChecker()

    assert checker._compute_cache_key(b"ab", b"c") != checker._compute_cache_key(b"a", b"bc")  # noqa: SLF001 - no login shows it


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
async def test_waiting_logins_are_limited(limits: LoginLimits) -> None:
    """The number of waiting logins is limited, in total and per client."""
    checker = PasswordChecker(limits)

    results = await asyncio.gather(*guesses(checker, 6), return_exceptions=True)

    assert [False] * 4 == results[:4]
    assert [TooManyLogins] * 2 == [type(result) for result in results[4:]]
    assert await checker.verify(USERS, b"alice", b"secret")


async def test_login_of_another_client_takes_the_place_of_one_of_many() -> None:
    """If the places are taken, the client with the most waiting logins loses its last one."""
    checker = PasswordChecker(LoginLimits(waiting=5))

    logins = [*guesses(checker, 4, "flood"), *guesses(checker, 2, "second"), *guesses(checker, 4, "third")]
    results = await asyncio.gather(*logins, return_exceptions=True)

    checked = [result is False for result in results]
    assert [[True, True, True, False], [True, True], [True, False, False, False]] == [
        checked[:4],
        checked[4:6],
        checked[6:],
    ]


async def test_clients_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client with many logins does not delay another one by all of them."""
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
    """A login that is not checked in time is refused, and the lock is released with its thread."""
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


async def test_logins_of_disconnected_clients_are_dropped(costs: list[int]) -> None:
    """A waiting login whose client has disconnected is refused without a check."""
    checker = PasswordChecker()

    first, second = guesses(checker, 2)
    left = asyncio.create_task(checker.verify(USERS, b"alice", b"x", is_disconnected=lambda: True))
    await asyncio.sleep(0)
    second.cancel()
    results = await asyncio.gather(first, second, left, return_exceptions=True)

    assert [False, asyncio.CancelledError, TooManyLogins] == [results[0], *map(type, results[1:])]
    assert [4] == costs


async def test_lock_passes_from_client_to_client() -> None:
    """Waiting clients get the lock in rotation, however often one of them waits."""
    lock, order = FairLock(LoginLimits()), list[str]()

    async def take(client: str) -> None:
        assert await lock.acquire(client)
        order.append(client)
        lock.release()

    await lock.acquire("first")
    tasks = [asyncio.create_task(take(client)) for client in "aaabbc"]
    await asyncio.sleep(0)
    waiting = lock.waiting
    lock.release()
    await asyncio.gather(*tasks)

    assert 6 == waiting
    assert list("abcaba") == order


async def test_cancelled_waiters() -> None:
    """A waiter that is cancelled, even just as it gets the lock, does not block the others."""
    lock = FairLock(LoginLimits())
    await lock.acquire("first")
    early, late, last = (asyncio.create_task(lock.acquire(client)) for client in "abc")
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.wait([early])
    lock.release()
    late.cancel()

    await last
    lock.release()
    await lock.acquire("again")
    assert 0 == lock.waiting
