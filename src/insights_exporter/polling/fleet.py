"""All deployments that are polled: started, kept or stopped as the settings say."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ssl import SSLContext

import httpx

from insights_exporter.coder.transport import tls_context
from insights_exporter.config.settings import Deployment, Settings
from insights_exporter.config.tokens import read_key, read_token
from insights_exporter.polling.board import Board
from insights_exporter.polling.schedule import Schedule
from insights_exporter.polling.watch import Shared, Watch

_READY_AFTER = 30.0


class Fleet:
    """The deployments of this process, each with a watch of its own.

    It is made on the running loop. `transport` takes the place of the network.
    """

    def __init__(
        self, board: Board, environ: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.watches: dict[str, Watch] = {}
        self._environ = environ
        self._converter = ThreadPoolExecutor(1, thread_name_prefix="convert")
        self._shared = Shared(board, Schedule(), self._converter, transport)
        self._started = asyncio.get_running_loop().time()

    @property
    def ready(self) -> bool:
        """Whether everything was tried once, or has had time enough."""
        waited = asyncio.get_running_loop().time() - self._started > _READY_AFTER
        return waited or all(watch.tried for watch in self.watches.values())

    def start(self) -> None:
        """Begin to run the jobs of all deployments, on the running loop."""
        self._shared.schedule.start()

    async def apply(self, settings: Settings) -> None:
        """Poll what `settings` say; a deployment that stays as it is goes on undisturbed."""
        wanted = {deployment.name: deployment for deployment in settings.deployments}
        for name, watch in list(self.watches.items()):
            if wanted.get(name) != watch.deployment:
                await self.watches.pop(name).stop()
        contexts: dict[str, SSLContext] = {}
        for name in wanted.keys() - self.watches.keys():
            deployment = wanted[name]
            key = deployment.tls.model_dump_json()
            if key not in contexts:
                contexts[key] = tls_context(deployment.tls)
            self.watches[name] = self._watch(deployment, contexts[key])
            self.watches[name].start()

    def _watch(self, deployment: Deployment, tls: SSLContext) -> Watch:
        pseudonymous = deployment.users.detail == "pseudonymous"
        key = read_key(deployment) if pseudonymous else None
        return Watch(deployment, partial(read_token, deployment, self._environ), key, tls, self._shared)

    async def close(self) -> None:
        """Stop everything."""
        self._shared.schedule.stop()
        for watch in self.watches.values():
            await watch.stop()
        self._converter.shutdown(wait=False, cancel_futures=True)
