"""Which users are shown, and as whom."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

from insights_exporter.datasets.base import PollContext

USER_LABELS = ("user_id", "username")

_HASH_BYTES = 16


class Identities(NamedTuple):
    """Users by their ids, and the labels under which each is shown: three columns in one order."""

    users: Sequence[str]
    user_ids: Sequence[str]
    latest_usernames: Sequence[str]


class _User(Protocol):
    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str | None: ...


def names_users(context: PollContext) -> bool:
    """Tell whether series that name users exist in the view's window."""
    users = context.deployment.users
    return users.detail != "aggregate" and context.window is not None and context.window.name in users.windows


def latest_usernames(users: Iterable[_User]) -> dict[str, str]:
    """Give each id one name: of several the first in the alphabet that is not empty."""
    rows = list(users)
    names = {user.user_id: user.username or "" for user in rows}
    if len(names) == len(rows):
        return names
    for user in rows:
        names[user.user_id] = _better(names[user.user_id], user.username or "")
    return names


def user_labels(context: PollContext, users: Iterable[str], names: Mapping[str, str]) -> Identities:
    """Give users, and the labels under which they are shown.

    A pseudonym depends on the key and the id alone, so that it outlives
    restarts; who lacks the key cannot test a guessed id against it. Users are
    then in the order of their pseudonyms: in that of `users`, which may be
    the ids' own, whoever knows all ids could tell which is whose.

    Raises:
        ValueError: Pseudonyms are wanted and the view has no key.
    """
    if context.deployment.users.detail == "named":
        users = list(users)
        return Identities(users, users, [names[user] for user in users])
    if not context.pseudonym_key:
        text = "users.detail: pseudonymous needs users.key or users.key_file"
        raise ValueError(text)
    key = _stretched(context.pseudonym_key)
    pairs = sorted((_hashed(user, key), user) for user in users)
    shown = [hashed for hashed, _ in pairs]
    return Identities([user for _, user in pairs], shown, shown)


def pseudonym(user_id: str, key: bytes) -> str:
    """Give the keyed BLAKE2b hash of an id as 32 hexadecimal digits; keys may have any length."""
    return _hashed(user_id, _stretched(key))


def _stretched(key: bytes) -> bytes:
    """Give a key of the length that BLAKE2b takes."""
    return blake2b(key).digest()


def _hashed(user_id: str, key: bytes) -> str:
    return blake2b(user_id.encode(), key=key, digest_size=_HASH_BYTES).hexdigest()


def _better(one: str, other: str) -> str:
    return min((name for name in (one, other) if name), default="")
