"""What stands before the pages: the web config file, from the flag to the listening server."""

from collections.abc import Iterable
from pathlib import Path

from starlette.types import ASGIApp

from insights_exporter.commands.errors import NotUsable
from insights_exporter.config.problems import ConfigError
from insights_exporter.exposition.samples import Samples
from insights_exporter.web.server import Server
from insights_exporter.web.webconfig import Guard, LiveConfig, listening_context, web_config_samples


class Protection:
    """The web config file of `--web.config.file` as it changes; without one, nothing.

    Raises:
        NotUsable: the file cannot be used.
    """

    def __init__(self, file: Path | None) -> None:
        try:
            self._live = LiveConfig(file) if file else None
        except ConfigError as error:
            raise NotUsable(str(error)) from None

    @property
    def scheme(self) -> str:
        """What the pages' addresses begin with."""
        return "https" if self._live and self._live.now().tls else "http"

    def server(self, app: ASGIApp) -> Server:
        """Make a server for `app` that lets in whom the file lets in."""
        if self._live is None:
            return Server(app)
        guard = Guard(app, self._live)
        return Server(guard, context=listening_context(self._live), headers=guard.headers)

    def look(self) -> str:
        """Read the file again if it changed; return what keeps it from being used, a line each."""
        return "\n".join(map(str, self._live.look())) if self._live else ""

    def samples(self) -> Iterable[Samples]:
        """Give what the page tells of the file."""
        return (web_config_samples(self._live),) if self._live else ()
