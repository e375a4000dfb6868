"""What a server says of itself: version, templates, the token's expiry."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import ApiError, FailureReason
from insights_exporter.coder.request import InvalidResponse, Request
from insights_exporter.coder.resources import Token, read_token, read_user, read_version
from insights_exporter.config.errors import ConfigError
from insights_exporter.datasets.base import DailyHistory, Template
from insights_exporter.datasets.server_info import build_info, token_samples
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.store import StoreEntry
from insights_exporter.exposition.text import render_all
from insights_exporter.polling.publisher import Publisher


class TemplateIndex:
    """What one dataset learns and another needs: ids in use, and names.

    `ask_again` is called when a report names a template that is younger than
    the list; once for each, since a deleted one is never listed again.
    """

    def __init__(self, ask_again: Callable[[], None] = lambda: None) -> None:
        self.templates: Mapping[str, Template] = {}
        self._ask_again = ask_again
        self._asked_for: set[str] = set()
        self._in_use: dict[str, tuple[str, ...]] = {}
        self._listed = asyncio.Event()
        self._reported: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def listed(self, templates: Mapping[str, Template] | None) -> None:
        """Take the list of templates; None where it cannot be had."""
        self.templates = self.templates if templates is None else templates
        self._asked_for.update(*self._in_use.values())
        self._listed.set()

    def reported(self, window: str, in_use: tuple[str, ...]) -> None:
        """Take the ids that the newest report of a window names."""
        self._in_use[window] = in_use
        self._reported[window].set()
        unknown = set(in_use) - self.templates.keys() - self._asked_for
        if unknown and self._listed.is_set():
            self._asked_for |= unknown
            self._ask_again()

    async def known(self, window: str) -> None:
        """Wait for the first report of the window, and for the first try to get the list."""
        await self._reported[window].wait()
        await self._listed.wait()

    def reported_for(self, window: str) -> bool:
        """Tell whether there is a report of the window by now."""
        return self._reported[window].is_set()

    def in_use(self, window: str) -> tuple[str, ...]:
        """Give the ids in use in a window, none before its first report."""
        return self._in_use.get(window, ())


T = TypeVar("T")

EVERY = 3600.0
"""Seconds from poll to poll."""
MAX_AGE = 3 * EVERY
"""Seconds for which the last good answer is served."""

_PATIENCE = 60.0
_SHORT_PAUSE = 1.0
_NO_ANSWER: frozenset[FailureReason] = frozenset({"connection", "timeout"})
_UNKNOWN = Token(None, None)


class _Known(NamedTuple, Generic[T]):
    """A value, and until when it may be used, in the loop's time."""

    value: T
    expires: float

    def get(self, default: T) -> T:
        """Return the value, or the default if it has expired."""
        return self.value if asyncio.get_running_loop().time() < self.expires else default


class ServerInfoPoller:
    """Requests what enriches the data of one deployment; users by UTC day if its own days go back little."""

    def __init__(
        self,
        coder: CoderClient,
        token: Callable[[], str],
        publisher: Publisher,
    ) -> None:
        self.utc_history: DailyHistory | None = None
        """What to request for users by UTC day, None if the deployment's days are UTC days."""
        self._version: _Known[str | None] = _Known(None, 0.0)
        self._token_info = _Known(_UNKNOWN, 0.0)
        self._utc_days: _Known[Mapping[int, float]] = _Known({}, 0.0)
        self._key_id = ""
        self._coder = coder
        self._token = token
        self._publisher = publisher
        self._clock_known = asyncio.Event()

    @property
    def version(self) -> str | None:
        """The server's version, None if it is unknown."""
        return self._version.get(None)

    @property
    def token(self) -> Token:
        """When the token expires, as far as that is known."""
        return self._token_info.get(_UNKNOWN)

    @property
    def utc_days(self) -> Mapping[int, float]:
        """Users by day of UTC, by its ordinal, if they are requested."""
        return self._utc_days.get({})

    async def clock_known(self) -> None:
        """Wait for the first answer, whatever it is: its `Date` sets the server's clock."""
        await self._clock_known.wait()

    async def silence(self) -> ApiError | None:
        """Request the version; return why nothing at all comes from the server, None if something does.

        A connection that fails is tried once more.
        """
        failure = await self._ask_version()
        if failure and failure.reason == "connection":
            await asyncio.sleep(_SHORT_PAUSE)
            failure = await self._ask_version()
        return failure if failure and failure.reason in _NO_ANSWER else None

    async def poll(self) -> None:
        """Request everything once, and publish what is answered."""
        await self._ask_version()
        await self.poll_all_but_version()

    async def poll_all_but_version(self) -> None:
        """Request what is left after the version, and publish what is answered."""
        await self._ask_about_token()
        if self.utc_history:
            await self._ask_about_days(self.utc_history)

    async def user(self) -> str | None:
        """Give the name of the token's own user."""
        return await self._read("/users/me", read_user)

    async def _ask_about_token(self) -> None:
        try:
            key_id = quote(self._token().partition("-")[0], safe="")
        except ConfigError:
            return
        if key_id != self._key_id:
            self._show_token(_UNKNOWN)
        token = await self._read(f"/users/me/keys/{key_id}", read_token)
        if token:
            self._key_id = key_id
            self._show_token(token)

    async def _ask_about_days(self, history: DailyHistory) -> None:
        days = await self._read(history.request.path, history.read)
        if days is not None:
            self._utc_days = _Known(days, _expiry())

    async def _ask_version(self) -> ApiError | None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        try:
            options = RequestOptions(_Nobody(), deadline, priority=-1)
            body = await self._coder.send(Request("/buildinfo"), options)
        except ApiError as failure:
            return failure
        finally:
            self._clock_known.set()
        with suppress(InvalidResponse):
            self._show_version(await asyncio.to_thread(read_version, body))
        return None

    def _show_version(self, version: str | None) -> None:
        if version:
            self._version = _Known(version, _expiry())
            self._publish("version", [build_info(version)])

    async def _read(self, path: str, read: Callable[[bytes], T]) -> T | None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        try:
            body = await self._coder.send(Request(path), RequestOptions(_Nobody(), deadline, priority=1))
            return await asyncio.to_thread(read, body)
        except Exception:  # noqa: BLE001 -- nothing of it is needed, and polls wait for its end
            return None

    def _show_token(self, token: Token) -> None:
        self._token_info = _Known(token, _expiry())
        self._publish("token", token_samples(token))

    def _publish(self, what: str, samples: Iterable[Samples]) -> None:
        source = self._publisher.source("", what)
        families = render_all(samples, source[0])
        self._publisher.publish({source: StoreEntry(families=families, expires=_expiry(), details=None)})


def _expiry() -> float:
    return asyncio.get_running_loop().time() + MAX_AGE


class _Nobody:
    """Takes no note of requests: these are not for insights."""

    def request_ended(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Take no note."""
