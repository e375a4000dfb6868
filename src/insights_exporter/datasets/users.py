"""Which users are exposed, and under which labels."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

from insights_exporter.datasets.base import PollContext

USER_LABELS = ("user_id", "username")

_Columns = tuple[Sequence[str], Sequence[str], Sequence[str]]


class _User(Protocol):
    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str | None: ...


def names_users(context: PollContext) -> bool:
    """Return whether series that name users exist in the window of `context`."""
    users = context.deployment.users
    return users.detail != "aggregate" and context.window_name in users.windows


def index_usernames(users: Iterable[_User]) -> dict[str, str]:
    """Return one name per id: of several the first in the alphabet that is not empty."""
    rows = list(users)
    names = {user.user_id: user.username or "" for user in rows}
    if len(names) == len(rows):
        return names
    for user in rows:
        both = (names[user.user_id], user.username or "")
        names[user.user_id] = min(filter(None, both), default="")
    return names


def build_user_labels(context: PollContext, users: Iterable[str], names: Mapping[str, str]) -> _Columns:
    """Return users and the two labels under which each is exposed: three columns in one order.

    A pseudonym is the keyed BLAKE2b hash of the id in 32 hexadecimal digits, so that it outlives
    restarts, and a guessed id cannot be tested against it without the key.
    Users are then in the order of their pseudonyms: the order of `users` may
    be that of the ids, from which anyone who knows all ids could match them.

    Raises:
        ValueError: Pseudonyms are configured, but the context has no key.
    """
    if context.deployment.users.detail == "named":
        users = list(users)
        return users, users, [names[user] for user in users]
    if not context.pseudonym_key:
        text = "users.detail: pseudonymous needs users.key or users.key_file"
        raise ValueError(text)
    key = blake2b(context.pseudonym_key).digest()  # a key of the length that BLAKE2b takes
    pairs = sorted((blake2b(user.encode(), key=key, digest_size=16).hexdigest(), user) for user in users)
    pseudonyms = [pseudonym for pseudonym, _ in pairs]
    return [user for _, user in pairs], pseudonyms, pseudonyms
