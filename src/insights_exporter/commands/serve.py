"""`insights-exporter`: poll and serve until a signal comes."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import typer
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from insights_exporter import __version__
from insights_exporter.commands.errors import CommandError, deliver_signals
from insights_exporter.config.dump import dump_config
from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.loader import LoadedConfig, load_config
from insights_exporter.config.models import Config
from insights_exporter.datasets.base import Dataset
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.process import ProcessMetricsCache, process_registry
from insights_exporter.log import describe_exception
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.sharding import find_shard_index, select_owned
from insights_exporter.polling.status import ReloadStatus, list_exposed_families
from insights_exporter.runtime import freeze_gc, shorten_switch_interval, tune_malloc
from insights_exporter.web.app import OWN_PATHS, AppDependencies, create_app
from insights_exporter.web.concurrency import LogThrottle
from insights_exporter.web.metrics_handler import MetricsHandler
from insights_exporter.web.prefix import PrefixMiddleware, is_plain_path
from insights_exporter.web.server import (
    Server,
    format_address,
    inherit_systemd_sockets,
    listen,
    split_address,
)

if TYPE_CHECKING:
    from insights_exporter.web.status.handler import StatusHandler
    from insights_exporter.web.webconfig.loader import ReloadingConfig

_LISTEN_REMEDIES = {
    errno.EADDRINUSE: "stop the program that listens there, or choose another address",
    errno.EACCES: "choose a port above 1023",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Flags of `serve`."""

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


def serve(options: ServeOptions, datasets: Mapping[str, Dataset]) -> None:
    """Poll and serve until SIGTERM or SIGINT.

    Raises:
        ConfigError, CommandError: The config, the web config file, a flag or an address is invalid.
    """
    loaded = load_checked(options, datasets)
    read_config = partial(load_config, options.config_file, os.environ, datasets)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Exporter(options, loaded, os.environ, read_config, datasets).run())


def check_config(options: ServeOptions, datasets: Mapping[str, Dataset]) -> None:
    """Print that config, flags and web config file are valid; raises ConfigError or CommandError."""
    count = len(load_checked(options, datasets).config.deployments)
    _load_web_config(options)
    typer.echo(f"Config valid: {count} deployment{'' if count == 1 else 's'}.")


def load_checked(options: ServeOptions, datasets: Mapping[str, Dataset]) -> LoadedConfig:
    """Check the flags, load the config and log its warnings; raises ConfigError or CommandError."""
    if options.telemetry_path in OWN_PATHS or not is_plain_path(options.telemetry_path):
        what = "is reserved or not a plain path that begins with /; use a path such as /metrics"
        raise CommandError(f"--web.telemetry-path: {options.telemetry_path!r} {what}")
    try:
        for address in options.listen_addresses:
            split_address(address)
    except ValueError as error:
        raise CommandError(f"--web.listen-address: {error}") from None
    try:
        select_owned((), _find_shard(options), options.total_shards)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return load_and_warn(options.config_file, datasets)


def load_and_warn(config_file: Path | None, datasets: Mapping[str, Dataset]) -> LoadedConfig:
    """Load the config and log its warnings; raises ConfigError."""
    loaded = load_config(config_file, os.environ, datasets)
    _log_warnings(loaded.warnings)
    return loaded


def _log_warnings(warnings: Iterable[ConfigIssue]) -> None:
    for warning in warnings:
        structlog.get_logger("insights_exporter").warning("config warning", err=str(warning))


def _find_shard(options: ServeOptions) -> int:
    return find_shard_index(options.shard, socket.gethostname())


def _load_web_config(options: ServeOptions) -> "ReloadingConfig | None":
    if options.web_config_file is None:
        return None
    from insights_exporter.web.webconfig.loader import ReloadingConfig

    return ReloadingConfig(options.web_config_file)


def open_listeners(options: ServeOptions, environ: Mapping[str, str]) -> list[socket.socket]:
    """Return a listening socket for each address, or those that systemd passed; raises CommandError."""
    if options.systemd_socket:
        try:
            return inherit_systemd_sockets(environ)
        except (OSError, ValueError) as error:
            raise CommandError(f"--web.systemd-socket: {error}") from None
    return [_open_listener(each) for each in options.listen_addresses]


def _open_listener(address: str) -> socket.socket:
    try:
        return listen(address)
    except ValueError as error:
        raise CommandError(f"--web.listen-address: {error}") from None
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else str(error.strerror)  # names have numbers of their own
        what = f"cannot listen on {address}: {reason.lower()}"
        remedy = _LISTEN_REMEDIES.get(number, "choose an address of this machine")
        raise CommandError(f"--web.listen-address: {what}; {remedy}") from None


class Exporter:
    """The running exporter: pollers, server, and reloads.

    `read_config` reads the config again, for a reload.

    Raises:
        ConfigError, CommandError: The web config file or an address is invalid.
    """

    def __init__(
        self,
        options: ServeOptions,
        loaded: LoadedConfig,
        environ: Mapping[str, str],
        read_config: Callable[[], LoadedConfig],
        datasets: Mapping[str, Dataset],
    ) -> None:
        self._options = options
        self._loaded = loaded
        self._web_config = _load_web_config(options)
        self._listeners = open_listeners(options, environ)
        self._environ = environ
        self._read_config = read_config
        self._datasets = datasets
        self._reload_status = ReloadStatus()
        self._reload_lock = asyncio.Lock()
        self._reload_tasks: set[asyncio.Task[str | None]] = set()
        self._log = structlog.get_logger("insights_exporter")
        self._throttle = LogThrottle()

    async def run(self, on_started: Callable[[str], None] = lambda _: None) -> None:
        """Serve until a signal comes; call `on_started` with its first address."""
        freeze_gc()
        tune_malloc()
        shorten_switch_interval()
        pages = PageStore(list_exposed_families(self._datasets))
        self._manager = DeploymentManager(pages, self._environ, self._datasets)
        server = self._create_server(self._create_app(pages))
        self._handle_signals(server)
        self._manager.start()
        async with self._reload_lock:  # SIGHUP may come by now
            await self._manager.apply(self._select_own(self._loaded.config))
        pages.refresh()
        freeze_gc()
        addresses = [format_address(each) for each in self._listeners]
        count = len(self._manager.pollers)
        self._log.info("serving", address=",".join(addresses), version=__version__, deployments=count)
        on_started(addresses[0])
        try:
            await server.serve(sockets=self._listeners)
        finally:
            await self._manager.close()
            self._log.info("stopped")

    async def reload(self) -> str | None:
        """Reload config and web config file; return what is wrong with them, None if nothing is."""
        issues = self._web_config.reload_if_changed() if self._web_config else ()
        problems = [*map(str, issues), await self._reload_config()]
        return "".join(f"{problem}\n" for problem in problems if problem) or None

    async def _reload_config(self) -> str | None:
        async with self._reload_lock:
            try:
                loaded = await asyncio.to_thread(self._read_config)
                replaced = await self._manager.apply(self._select_own(loaded.config))
                freeze_gc(collect=replaced > 0)
            except Exception as error:  # noqa: BLE001 -- a bug must show in the metrics too
                problem = str(error) if isinstance(error, ConfigError) else describe_exception(error)
                self._reload_status.record(successful=False)
                self._log.error("config reload failed, keeping previous config", err=problem)
                return problem
            _log_warnings(each for each in loaded.warnings if each not in self._loaded.warnings)
            self._loaded = loaded
            self._reload_status.record(successful=True)
            self._log.info("config reloaded", deployments=len(self._manager.pollers))
            return None

    def _create_app(self, pages: PageStore) -> ASGIApp:
        process_metrics = ProcessMetricsCache(process_registry(), self._collect_samples)
        max_requests = self._options.max_requests
        dependencies = AppDependencies(
            metrics_path=self._options.telemetry_path,
            metrics=MetricsHandler(
                pages, process_metrics, lambda: frozenset(self._manager.pollers), max_requests
            ),
            status=self._respond_with_status,
            config=lambda: dump_config(self._loaded),
            ready=lambda: self._manager.is_ready,
            reload=self.reload if self._options.enable_lifecycle else None,
            on_error=lambda error: self._log_unexpected(describe_exception(error)),
        )
        app = create_app(dependencies)
        return PrefixMiddleware(app, self._options.route_prefix) if self._options.route_prefix else app

    def _create_server(self, app: ASGIApp) -> Server:
        """Return a server for `app` with the TLS, users and headers of the web config file."""
        if self._web_config is None:
            return Server(app)
        from insights_exporter.web.webconfig.auth import BasicAuthMiddleware
        from insights_exporter.web.webconfig.loader import create_listening_context

        guard = BasicAuthMiddleware(app, self._web_config)
        return Server(guard, context=create_listening_context(self._web_config), headers=guard.build_headers)

    def _collect_samples(self) -> Iterator[Samples]:
        """Yield the metrics about config and web config file."""
        yield from self._reload_status.collect_samples()
        if self._web_config:
            yield self._web_config.collect_samples()

    @cached_property
    def _status(self) -> "StatusHandler":
        from insights_exporter.web.status.handler import StatusHandler

        return StatusHandler(self._options.telemetry_path, lambda: tuple(self._manager.pollers.values()))

    async def _respond_with_status(self, request: Request) -> Response:
        """Return the status page; the first view imports its modules, in a thread that delays no scrape."""
        if "_status" not in vars(self):
            await asyncio.to_thread(import_module, "insights_exporter.web.status.handler")
        return await self._status.respond(request)

    def _select_own(self, config: Config) -> Config:
        """Return the deployments of this shard."""
        names = [deployment.name for deployment in config.deployments]
        own = set(select_owned(names, _find_shard(self._options), self._options.total_shards))
        return Config(deployments=tuple(each for each in config.deployments if each.name in own))

    def _handle_signals(self, server: Server) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        loop.add_signal_handler(signal.SIGHUP, self._start_reload)
        deliver_signals()
        loop.set_exception_handler(self._on_unhandled)

    def _start_reload(self) -> None:
        if len(self._reload_tasks) > 1:
            return  # the one that waits reads the newest config
        task = asyncio.create_task(self.reload())
        self._reload_tasks.add(task)
        task.add_done_callback(self._reload_tasks.discard)

    def _on_unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an exception that no task awaits."""
        error = context.get("exception")
        location = describe_exception(error) if isinstance(error, Exception) and error.__traceback__ else ""
        self._log_unexpected(location or context["message"])

    def _log_unexpected(self, problem: str) -> None:
        """Log a bug by its location, without the error's own text, which may hold data."""
        suppressed = self._throttle.admit(problem)
        if suppressed is not None:
            remedy = "please report it, with this line"
            self._log.error("unexpected error", err=problem, suppressed=suppressed, remedy=remedy)
