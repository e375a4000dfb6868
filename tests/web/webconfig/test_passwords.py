"""Passwords are checked by bcrypt, remembered without being kept, and tell nobody who exists."""

import asyncio
from collections.abc import Callable

import bcrypt
import pytest

from insights_exporter.web.webconfig import passwords
from insights_exporter.web.webconfig.passwords import Passwords, TooManyLogins


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
    checker = Passwords()

    assert [right, right] == [await checker.accept(USERS, user, password) for _ in range(2)]


async def test_the_decoys_password_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever found it would still be nobody."""
    monkeypatch.setattr(passwords, "_DECOY", hashed(b"decoy").decode().replace("04", "%02d", 1))
    checker = Passwords()

    assert [False, False] == [await checker.accept(USERS, b"bob", b"decoy") for _ in range(2)]


async def test_passwords_beyond_what_bcrypt_reads_are_cut() -> None:
    """As the tools do that make the hashes."""
    users = {b"alice": hashed(LONG)}

    assert await Passwords().accept(users, b"alice", LONG)
    assert not await Passwords().accept(users, b"alice", LONG[:71])


async def test_an_unknown_user_costs_what_a_wrong_password_costs(costs: list[int]) -> None:
    """One check of the same cost each, every time."""
    checker, users = Passwords(), {b"alice": hashed(b"secret", 5)}
    for _ in range(2):
        await checker.accept(users, b"alice", b"wrong")
        await checker.accept(users, b"bob", b"wrong")

    assert [5, 5, 5, 5] == costs


async def test_unknown_users_cost_what_known_ones_do_where_those_differ(costs: list[int]) -> None:
    """Each unknown name costs what one of the known does, and the same each time."""
    checker, users = Passwords(), {b"alice": hashed(b"a", 4), b"bob": hashed(b"b", 5)}
    names = [f"user-{number}".encode() for number in range(40)]
    for name in [*names, *names]:
        await checker.accept(users, name, b"wrong")

    assert {4, 5} == set(costs)
    assert costs[:40] == costs[40:]


async def test_a_right_password_is_checked_once(costs: list[int]) -> None:
    """A scrape does not pay for bcrypt each time, and others with the same login wait for the first."""
    checker = Passwords()

    accepted = await asyncio.gather(*(checker.accept(USERS, b"alice", b"secret") for _ in range(5)))

    assert [True] * 5 == accepted
    assert [4] == costs


async def test_wrong_passwords_push_nothing_out(costs: list[int]) -> None:
    """Whoever guesses cannot make the scrape slow."""
    checker = Passwords()
    await checker.accept(USERS, b"alice", b"secret")
    for number in range(50):
        await checker.accept(USERS, b"alice", str(number).encode())
    costs.clear()

    assert await checker.accept(USERS, b"alice", b"secret")
    assert [] == costs


async def test_what_is_remembered_is_bounded(costs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The login that was used longest ago is forgotten first."""
    monkeypatch.setattr(passwords, "_REMEMBERED", 2)
    checker, users = Passwords(), {name: hashed(name) for name in (b"a", b"b", b"c")}
    for name in (b"a", b"b", b"a", b"c"):
        await checker.accept(users, name, name)
    costs.clear()
    for name in (b"a", b"c"):
        await checker.accept(users, name, name)
    remembered = list(costs)
    await checker.accept(users, b"b", b"b")

    assert ([], [4]) == (remembered, costs)


async def test_a_changed_hash_ends_what_is_remembered() -> None:
    """The old password of a user is wrong from the next request on."""
    checker = Passwords()
    await checker.accept(USERS, b"alice", b"secret")

    assert not await checker.accept({b"alice": hashed(b"other")}, b"alice", b"secret")


async def test_no_password_is_kept() -> None:
    """What is remembered holds none, and nothing that could be tried against a list of them."""
    checker, twin = Passwords(), Passwords()
    await checker.accept(USERS, b"alice", b"secret")
    await twin.accept(USERS, b"alice", b"secret")

    assert b"secret" not in repr(vars(checker)).encode()
    assert checker._right.keys().isdisjoint(twin._right)  # noqa: SLF001 - the point is what it holds


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
    checker = Passwords()
    await checker.accept(USERS, b"alice", b"secret")

    assert not await checker.accept(USERS, *parts)


def test_what_is_remembered_depends_on_where_parts_begin() -> None:
    """The same bytes split in another place are another login."""
    checker = Passwords()

    assert checker._digest(b"ab", b"c") != checker._digest(b"a", b"bc")  # noqa: SLF001 - no login shows it


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of guesses is turned away, not queued without end."""
    monkeypatch.setattr(passwords, "_WAITING", 3)
    checker = Passwords()
    guesses = (checker.accept(USERS, b"alice", str(number).encode()) for number in range(5))

    results = await asyncio.gather(*guesses, return_exceptions=True)

    assert [False] * 3 == results[:3]
    assert [TooManyLogins] * 2 == [type(result) for result in results[3:]]
    assert await checker.accept(USERS, b"alice", b"secret")
