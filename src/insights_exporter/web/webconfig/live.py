"""The web config file as it changes: reloaded, and kept as it was while it is invalid."""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from insights_exporter.config.problems import Problem
from insights_exporter.web.webconfig.files import changed
from insights_exporter.web.webconfig.loading import WebConfig, WebConfigError, load

LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""

TURNOVER = 300.0
"""Seconds after a change in which connections end with the answer they are at: longer than any stays idle."""

_RESTART = "restart the exporter if that is meant"


class LiveConfig:
    """A web config file and what holds of it now.

    `reload_failures` counts new files that could not be used. Not to be
    used by several threads at once.

    Raises:
        WebConfigError: the file cannot be used at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.reload_failures = 0
        self._path = path
        self._clock = clock
        self._log = structlog.get_logger("insights_exporter").bind(file=str(path))
        self._config = load(path)
        self._stamps = self._config.stamps
        self._refused: tuple[Problem, ...] = ()
        self._next_look = clock() + LOOK_EVERY
        self._turnover_until = clock()
        self._warn(self._config.warnings)

    def now(self) -> WebConfig:
        """Give what holds now, after a look at the files if the last one was a second ago."""
        if self._clock() >= self._next_look:
            self.look()
        return self._config

    def look(self) -> tuple[Problem, ...]:
        """Look at the files at once; give what keeps them as they are from being used, if anything does."""
        self._next_look = self._clock() + LOOK_EVERY
        if changed(self._stamps):
            self._reload()
        return self._refused

    def turning_over(self) -> bool:
        """Tell whether connections may still hold what was replaced, so that they had better end."""
        return self._clock() < self._turnover_until

    def _reload(self) -> None:
        try:
            config = load(self._path)
            _check_nothing_opens(self._path, self._config, config)
        except WebConfigError as error:
            self._stamps, self._refused = error.stamps, error.problems
            self.reload_failures += 1
            problems = [str(problem) for problem in error.problems]
            self._log.error("web config file refused, the settings before stay in use", problems=problems)
        else:
            self._stamps, self._config, self._refused = config.stamps, config, ()
            self._turnover_until = self._clock() + TURNOVER
            self._log.info("web config reloaded")
            self._warn(config.warnings)

    def _warn(self, warnings: tuple[Problem, ...]) -> None:
        for warning in warnings:
            self._log.warning("web config", place=warning.place, detail=warning.what, remedy=warning.remedy)


def _check_nothing_opens(path: Path, before: WebConfig, after: WebConfig) -> None:
    """See that a change, maybe a file caught half written, does not take a protection away as a whole.

    Raises:
        WebConfigError: it does, or turns TLS on, for which the server is not set up.
    """
    problems = []
    if bool(before.tls) != bool(after.tls):
        what = "is gone, and TLS is not turned off" if before.tls else "is new, and TLS is not turned on"
        problems.append(Problem(str(path), "tls_server_config", f"{what} while running", _RESTART))
    if before.users and not after.users:
        what = "are all gone, which would let in everybody"
        problems.append(Problem(str(path), "basic_auth_users", what, _RESTART))
    if problems:
        raise WebConfigError(problems, after.stamps)
