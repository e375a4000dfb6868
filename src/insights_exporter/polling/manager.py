"""All deployments that are polled: started, kept or stopped as the config says."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from ssl import SSLContext

import httpx

from insights_exporter.coder.client import SharedTransport
from insights_exporter.coder.http import tls_context
from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.models import Config, Deployment
from insights_exporter.config.proxies import read_proxies
from insights_exporter.config.secrets import read_key, read_token, unreadable
from insights_exporter.datasets.base import Dataset
from insights_exporter.polling.deployment import DeploymentPoller, SharedResources
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.scheduler import Scheduler

_REMEDY = "check what the files of `tls` hold"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Certificates and keys, ready for use; equal where the settings and the files are.

    The token is not among them: it is read at each poll.
    """

    digest: bytes
    tls: SSLContext = field(compare=False, repr=False)
    pseudonym_key: bytes | None = field(compare=False, repr=False)


def load_credentials(deployments: Iterable[Deployment]) -> dict[str, Credentials]:
    """Read the files of all `deployments`, by their name; contexts that are alike are shared.

    Raises:
        ConfigError: a file cannot be read, or does not hold what it should.
    """
    contexts: dict[bytes, SSLContext] = {}
    return {deployment.name: _read(deployment, contexts) for deployment in deployments}


def _read(deployment: Deployment, contexts: dict[bytes, SSLContext]) -> Credentials:
    pseudonymous = deployment.users.detail == "pseudonymous"
    key = read_key(deployment) if pseudonymous else None
    try:
        tls_digest = _digest(deployment.tls.model_dump_json().encode(), *_contents(deployment))
        if tls_digest not in contexts:
            contexts[tls_digest] = tls_context(deployment.tls)
    except OSError as error:
        what = unreadable(Path(error.filename), error).what if error.filename else f"cannot be used: {error}"
        raise ConfigError([ConfigIssue("", f"tls of {deployment.name}", what, _REMEDY)]) from None
    return Credentials(_digest(tls_digest, key or b""), contexts[tls_digest], key)


def _contents(deployment: Deployment) -> Iterator[bytes]:
    tls = deployment.tls
    for path in (tls.ca_file, tls.cert_file, tls.key_file):
        yield path.read_bytes() if path else b""


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


_READY_AFTER = 30.0
_AT_ONCE = 10
_APART = 0.3
"""Seconds between the starts of further deployments; hundreds at once would keep scrapes waiting."""


class DeploymentManager:
    """The deployments of this process, each with a watch of its own.

    It is made on the running loop. `transport` takes the place of the network.
    """

    def __init__(
        self,
        board: PageStore,
        environ: Mapping[str, str],
        datasets: Mapping[str, Dataset],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.watches: Mapping[str, DeploymentPoller] = {}
        self._materials: Mapping[str, Credentials] = {}
        self._environ = environ
        self._converter = ThreadPoolExecutor(1, thread_name_prefix="convert")
        outlet = SharedTransport(transport, read_proxies(environ))
        self._shared = SharedResources(board, Scheduler(), self._converter, outlet, datasets)
        self._started = asyncio.get_running_loop().time()
        self._publishing: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether everything was tried once, or has had time enough."""
        waited = asyncio.get_running_loop().time() - self._started > _READY_AFTER
        return waited or all(watch.tried for watch in self.watches.values())

    def start(self) -> None:
        """Begin to run the jobs of all deployments, on the running loop."""
        self._shared.schedule.start()
        self._publishing = asyncio.create_task(self._shared.board.run())

    async def apply(self, config: Config) -> int:
        """Poll what `settings` say; a deployment that stays as it is goes on undisturbed.

        Deployments change one after the other, so that scrapes have their
        turn in between. Gives how many are no longer polled as they were.

        Raises:
            ConfigError: a file that they name cannot be used; then nothing changes.
        """
        materials = await asyncio.to_thread(load_credentials, config.deployments)
        before = self.watches
        after = {each.name: self._watch(each, materials[each.name]) for each in config.deployments}
        self.watches, self._materials = after, materials
        changed = [name for name in {**before, **after} if before.get(name) is not after.get(name)]
        for number, name in enumerate(changed):
            if name in before:
                await asyncio.gather(before[name].stop(), return_exceptions=True)
            if name in after:
                after[name].start(max(0, number - _AT_ONCE) * _APART)
            await asyncio.sleep(0)
        return sum(name in before for name in changed)

    def _watch(self, deployment: Deployment, material: Credentials) -> DeploymentPoller:
        """Give the watch that there is, or a new one where the settings or their files have changed."""
        known = self.watches.get(deployment.name)
        if known and known.deployment == deployment and self._materials[deployment.name] == material:
            return known
        token = partial(read_token, deployment, self._environ)
        return DeploymentPoller(deployment, token, material.pseudonym_key, material.tls, self._shared)

    async def close(self) -> None:
        """Stop everything."""
        self._shared.schedule.stop()
        if self._publishing:
            self._publishing.cancel()
        await asyncio.gather(*(watch.stop() for watch in self.watches.values()), return_exceptions=True)
        self._converter.shutdown(wait=False, cancel_futures=True)
