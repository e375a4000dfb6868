"""`insights-exporter`: poll and serve until a signal comes."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import typer
import uvloop
from starlette.types import ASGIApp

from insights_exporter import __version__
from insights_exporter.commands.errors import CommandError
from insights_exporter.config.dump import dump_config
from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.loader import LoadedConfig, load_config
from insights_exporter.config.models import Config
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.process import ProcessMetricsCache, process_registry
from insights_exporter.polling.fetch import error_location
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.metrics import ALL_FAMILIES, ReloadStatus
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.sharding import owned_by, shard_index
from insights_exporter.runtime import freeze_gc, limit_malloc_arenas
from insights_exporter.web.app import OWN_PATHS, AppDependencies, create_app
from insights_exporter.web.concurrency import LogThrottle
from insights_exporter.web.metrics_handler import MetricsHandler
from insights_exporter.web.prefix import PrefixMiddleware, is_plain_path
from insights_exporter.web.server import Server, format_address, listen, sockets_from_systemd, split_address
from insights_exporter.web.status.handler import StatusHandler
from insights_exporter.web.webconfig import (
    BasicAuthMiddleware,
    ReloadingConfig,
    listening_context,
    web_config_samples,
)


class WebConfigHandle:
    """The web config file of `--web.config.file` as it changes; without one, nothing.

    Raises:
        NotUsable: the file cannot be used.
    """

    def __init__(self, file: Path | None) -> None:
        try:
            self._live = ReloadingConfig(file) if file else None
        except ConfigError as error:
            raise CommandError(str(error)) from None

    @property
    def scheme(self) -> str:
        """What the pages' addresses begin with."""
        return "https" if self._live and self._live.current().tls else "http"

    def server(self, app: ASGIApp) -> Server:
        """Make a server for `app` that lets in whom the file lets in."""
        if self._live is None:
            return Server(app)
        guard = BasicAuthMiddleware(app, self._live)
        return Server(guard, context=listening_context(self._live), headers=guard.headers)

    def look(self) -> str:
        """Read the file again if it changed; return what keeps it from being used, a line each."""
        return "\n".join(map(str, self._live.reload_if_changed())) if self._live else ""

    def samples(self) -> Iterable[Samples]:
        """Give what the page tells of the file."""
        return (web_config_samples(self._live),) if self._live else ()


_TURN = 0.001
"""Seconds after which a thread that converts lets the one that answers go on; a fifth of Python's own."""
_LISTEN_REMEDIES = {
    errno.EADDRINUSE: "stop the program that listens there, or choose another address",
    errno.EACCES: "choose a port above 1023",
}
_REPORT_THIS = "please report it, with this line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the flags of `serve` say."""

    config_file: Path | None
    listen_addresses: Sequence[str]
    systemd_socket: bool = False
    web_config_file: Path | None = None
    telemetry_path: str = "/metrics"
    route_prefix: str = ""
    enable_lifecycle: bool = False
    max_requests: int = 40
    shard: str = "0"
    total_shards: int = 1


def serve(options: Options) -> None:
    """Poll and serve until SIGTERM or SIGINT.

    Raises:
        NotUsable: settings, flags, web config file or address cannot be used.
    """
    loaded, protection = load_checked(options), WebConfigHandle(options.web_config_file)
    listeners = open_listeners(options, os.environ)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        reread = partial(load_config, options.config_file, os.environ, DATASETS)
        runner.run(Exporter(options, loaded, protection, os.environ, reread).run(listeners))


def check(options: Options) -> None:
    """Say that the settings, flags and web config file can be used.

    Raises:
        NotUsable: they cannot.
    """
    count = len(load_checked(options).config.deployments)
    WebConfigHandle(options.web_config_file)
    typer.echo(f"Config valid: {count} deployment{'' if count == 1 else 's'}.")


def load_checked(options: Options) -> LoadedConfig:
    """Load the settings, and log their warnings.

    Raises:
        NotUsable: settings or flags cannot be used.
    """
    _check_telemetry_path(options.telemetry_path)
    for address in options.listen_addresses:
        _check_address(address)
    try:
        _shard(options)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return load_settings(options.config_file, os.environ)


def _check_telemetry_path(path: str) -> None:
    if path in OWN_PATHS or not is_plain_path(path):
        what = "is reserved or not a plain path that begins with /; use a path such as /metrics"
        raise CommandError(f"--web.telemetry-path: {path!r} {what}")


def _check_address(address: str) -> None:
    try:
        split_address(address)
    except ValueError as error:
        raise CommandError(f"--web.listen-address: {error}") from None


def load_settings(config_file: Path | None, environ: Mapping[str, str]) -> LoadedConfig:
    """Load the settings, and log their warnings.

    Raises:
        NotUsable: they cannot be used.
    """
    try:
        loaded = load_config(config_file, environ, DATASETS)
    except ConfigError as error:
        raise CommandError(str(error)) from None
    warn(loaded.warnings)
    return loaded


def warn(problems: Iterable[ConfigIssue]) -> None:
    """Log the warnings about settings that can be used."""
    for problem in problems:
        structlog.get_logger("insights_exporter").warning("settings", problem=str(problem))


def open_listeners(options: Options, environ: Mapping[str, str]) -> list[socket.socket]:
    """Return a listening socket for each address, or those that systemd passed.

    Raises:
        NotUsable: One of them cannot be used.
    """
    if options.systemd_socket:
        try:
            return sockets_from_systemd(environ)
        except (OSError, ValueError) as error:
            raise CommandError(f"--web.systemd-socket: {error}") from None
    with ExitStack() as opened:
        listeners = [opened.enter_context(_open_listener(each)) for each in options.listen_addresses]
        opened.pop_all()
        return listeners


def _open_listener(address: str) -> socket.socket:
    _check_address(address)
    try:
        return listen(address)
    except OSError as error:
        number = error.errno or 0
        what = os.strerror(number) if number > 0 else str(error.strerror)  # names have numbers of their own
        remedy = _LISTEN_REMEDIES.get(number, "choose an address of this machine")
        raise CommandError(
            f"--web.listen-address: cannot listen on {address}: {what.lower()}; {remedy}"
        ) from None


def _shard(options: Options) -> int:
    """Give this shard's number; raises ValueError where there is no such shard."""
    number = shard_index(options.shard, socket.gethostname())
    owned_by((), number, options.total_shards)
    return number


class Exporter:
    """The program while it serves: what polls, what is served, and the two signals between."""

    def __init__(
        self,
        options: Options,
        loaded: LoadedConfig,
        protection: WebConfigHandle,
        environ: Mapping[str, str],
        reread: Callable[[], LoadedConfig],
    ) -> None:
        self._options = options
        self._loaded = loaded
        self._protection = protection
        self._environ = environ
        self._reread = reread
        self._reloads = ReloadStatus()
        self._reloading = asyncio.Lock()
        self._signalled: set[asyncio.Task[str | None]] = set()
        self._log = structlog.get_logger("insights_exporter")
        self._errors = LogThrottle()

    async def run(
        self, listeners: Sequence[socket.socket], started: Callable[[str], None] = lambda _: None
    ) -> None:
        """Serve on `listeners` until a signal comes; call `started` with the first address once it does."""
        freeze_gc()
        limit_malloc_arenas()
        sys.setswitchinterval(_TURN)
        board = PageStore(ALL_FAMILIES)
        self._fleet = DeploymentManager(board, self._environ)
        server = self._protection.server(self._application(board))
        self._handle_signals(server)
        self._fleet.start()
        await self._fleet.apply(self._mine(self._loaded.config))
        board.show_now()
        freeze_gc()
        addresses = [format_address(each) for each in listeners]
        self._log.info(
            "serving",
            address=",".join(addresses),
            version=__version__,
            deployments=len(self._fleet.watches),
        )
        started(addresses[0])
        try:
            await server.serve(sockets=list(listeners))
        finally:
            await self._fleet.close()
            self._log.info("stopped")

    async def reload(self) -> str | None:
        """Read and apply settings and web config file; return what is wrong with them, None if nothing is."""
        problems = [self._protection.look(), await self._reload_settings()]
        return "".join(f"{problem}\n" for problem in problems if problem) or None

    async def _reload_settings(self) -> str | None:
        async with self._reloading:
            try:
                loaded = await asyncio.to_thread(self._reread)
                gone = await self._fleet.apply(self._mine(loaded.config))
                freeze_gc(collect=gone > 0)
            except ConfigError as error:
                return self._not_reloaded(str(error))
            except Exception as error:  # noqa: BLE001 -- a mistake of ours must not go unseen either
                return self._not_reloaded(error_location(error))
            warn(each for each in loaded.warnings if each not in self._loaded.warnings)
            self._loaded = loaded
            self._reloads.ended(successful=True)
            self._log.info("settings reloaded", deployments=len(self._fleet.watches))
            return None

    def _not_reloaded(self, problems: str) -> str:
        self._reloads.ended(successful=False)
        self._log.error("settings not reloaded, the old ones stay", problems=problems)
        return problems

    def _application(self, board: PageStore) -> ASGIApp:
        tail = ProcessMetricsCache(process_registry(), self._own_samples)
        scrape = MetricsHandler(
            board, tail, lambda: frozenset(self._fleet.watches), self._options.max_requests
        )
        app = create_app(
            AppDependencies(
                metrics_path=self._options.telemetry_path,
                metrics=scrape,
                status=StatusHandler(
                    self._options.telemetry_path, lambda: tuple(self._fleet.watches.values())
                ),
                config=lambda: dump_config(self._loaded),
                ready=lambda: self._fleet.ready,
                reload=self.reload if self._options.enable_lifecycle else None,
                on_error=lambda error: self._unexpected(error_location(error)),
            )
        )
        return PrefixMiddleware(app, self._options.route_prefix) if self._options.route_prefix else app

    def _own_samples(self) -> Iterable[Samples]:
        return (*self._reloads.samples(), *self._protection.samples())

    def _mine(self, config: Config) -> Config:
        names = [deployment.name for deployment in config.deployments]
        kept = set(owned_by(names, _shard(self._options), self._options.total_shards))
        return Config(deployments=tuple(each for each in config.deployments if each.name in kept))

    def _handle_signals(self, server: Server) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        loop.set_exception_handler(self._not_waited_for)

    def _not_waited_for(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        where = error_location(error) if isinstance(error, Exception) and error.__traceback__ else ""
        self._unexpected(where or context["message"])

    def _unexpected(self, detail: str) -> None:
        """Tell of a mistake of ours, without the data that its own text may hold."""
        suppressed = self._errors.admit(detail)
        if suppressed is not None:
            self._log.error("unexpected error", detail=detail, suppressed=suppressed, remedy=_REPORT_THIS)

    def _reload_soon(self) -> None:
        task = asyncio.create_task(self.reload())
        self._signalled.add(task)
        task.add_done_callback(self._signalled.discard)
