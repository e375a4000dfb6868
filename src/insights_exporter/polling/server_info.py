"""What enriches the data of a deployment: its version and the expiry of its token."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.decode import decode
from insights_exporter.coder.errors import ApiError, FailureReason
from insights_exporter.coder.request import InvalidResponse, Request
from insights_exporter.coder.resources import BuildInfo, CurrentUser, TokenLifetime, read_token
from insights_exporter.config.errors import ConfigError
from insights_exporter.datasets.base import DailyHistory
from insights_exporter.datasets.server_info import build_info, build_token_samples
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.store import StoreEntry
from insights_exporter.exposition.text import render_all
from insights_exporter.polling.publisher import Publisher

T = TypeVar("T")

INTERVAL = 3600.0
"""Seconds between polls."""
MAX_AGE = 3 * INTERVAL
"""Seconds for which the last successful response is used."""

_MAX_SECONDS = 60.0
_RETRY_PAUSE = 1.0
_NO_RESPONSE: frozenset[FailureReason] = frozenset({"connection", "timeout"})
_UNKNOWN = TokenLifetime(None, None)


class _Known(NamedTuple, Generic[T]):
    """A value, and until when it may be used, in the loop's time."""

    value: T
    expires: float

    def get(self, default: T) -> T:
        """Return the value, or the default if it has expired."""
        return self.value if asyncio.get_running_loop().time() < self.expires else default


class ServerInfoPoller:
    """Requests what enriches the data of one deployment; users by UTC day if its own days go back little."""

    def __init__(self, coder: CoderClient, token: Callable[[], str], publisher: Publisher) -> None:
        self.utc_history: DailyHistory | None = None
        """What to request for users by UTC day, None if the deployment's days are UTC days."""
        self._version: _Known[str | None] = _Known(None, 0.0)
        self._token = _Known(_UNKNOWN, 0.0)
        self._utc_days: _Known[Mapping[int, float]] = _Known({}, 0.0)
        self._key_id = ""
        self._coder = coder
        self._read_token = token
        self._publisher = publisher
        self._has_clock = asyncio.Event()

    @property
    def version(self) -> str | None:
        """The server's version, None if it is unknown."""
        return self._version.get(None)

    @property
    def token(self) -> TokenLifetime:
        """When the token expires, as far as that is known."""
        return self._token.get(_UNKNOWN)

    @property
    def utc_days(self) -> Mapping[int, float]:
        """Users by day of UTC, by its ordinal, if they are requested."""
        return self._utc_days.get({})

    async def wait_for_clock(self) -> None:
        """Wait for the first response, whatever it is: its `Date` sets the server's clock."""
        await self._has_clock.wait()

    async def probe(self) -> ApiError | None:
        """Request the version; return why nothing at all comes from the server, None if something does.

        A connection that fails is tried once more.
        """
        failure = await self._poll_version()
        if failure and failure.reason == "connection":
            await asyncio.sleep(_RETRY_PAUSE)
            failure = await self._poll_version()
        return failure if failure and failure.reason in _NO_RESPONSE else None

    async def poll(self) -> None:
        """Request everything once, and publish what comes."""
        await self._poll_version()
        await self.poll_all_but_version()

    async def poll_all_but_version(self) -> None:
        """Request what is left after the version, and publish what comes."""
        await self._poll_token()
        history = self.utc_history
        days = await self._read(history.request.path, history.read) if history else None
        if days is not None:
            self._utc_days = _Known(days, _compute_expiry())

    async def fetch_user(self) -> str | None:
        """Return the name of the token's own user."""
        return await self._read("/users/me", lambda body: decode(body, CurrentUser).value.username)

    async def _poll_token(self) -> None:
        try:
            key_id = quote(self._read_token().partition("-")[0], safe="")
        except ConfigError:
            return
        if key_id != self._key_id:
            self._publish_token(_UNKNOWN)
        token = await self._read(f"/users/me/keys/{key_id}", read_token)
        if token:
            self._key_id = key_id
            self._publish_token(token)

    async def _poll_version(self) -> ApiError | None:
        try:
            body = await self._coder.send(Request("/buildinfo"), _build_options(priority=-1))
        except ApiError as failure:
            return failure
        finally:
            self._has_clock.set()
        with suppress(InvalidResponse):
            version = (await asyncio.to_thread(decode, body, BuildInfo)).value.version
            if version:
                self._version = _Known(version, _compute_expiry())
                self._publish("version", [build_info(version)])
        return None

    async def _read(self, path: str, read: Callable[[bytes], T]) -> T | None:
        try:
            body = await self._coder.send(Request(path), _build_options(priority=1))
            return await asyncio.to_thread(read, body)
        except Exception:  # noqa: BLE001 -- nothing of it is needed, and polls wait for its end
            return None

    def _publish_token(self, token: TokenLifetime) -> None:
        self._token = _Known(token, _compute_expiry())
        self._publish("token", build_token_samples(token))

    def _publish(self, what: str, samples: Iterable[Samples]) -> None:
        source = self._publisher.name_source("", what)
        families = render_all(samples, source[0])
        self._publisher.publish(
            {source: StoreEntry(families=families, expires=_compute_expiry(), details=None)}
        )


def _compute_expiry() -> float:
    return asyncio.get_running_loop().time() + MAX_AGE


def _build_options(priority: int) -> RequestOptions:
    """Return the options of a request that is counted nowhere, since it is not for insights."""
    return RequestOptions(lambda *_: None, asyncio.get_running_loop().time() + _MAX_SECONDS, priority)
