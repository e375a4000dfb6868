"""All deployments that are polled: started, kept or stopped as configured."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import httpx

from insights_exporter.coder.client import SharedTransport
from insights_exporter.coder.http import create_tls_context, uses_tls
from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.models import Config, Deployment, TLSConfig
from insights_exporter.config.proxies import Proxies, read_proxies
from insights_exporter.config.secrets import describe_unreadable, read_key, read_token
from insights_exporter.datasets.base import Dataset
from insights_exporter.polling.deployment import DeploymentPoller, SharedResources
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.scheduler import Scheduler

_READY_AFTER = 30.0
_STARTED_AT_ONCE = 10
_START_PAUSE = 0.3
"""Seconds between the starts of further deployments; hundreds at once would delay scrapes."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Certificates and keys of a deployment; equal if the config and the files are.

    The token is not among them: it is read at each poll.
    """

    digest: bytes
    tls: SSLContext = field(compare=False, repr=False)
    pseudonym_key: bytes | None = field(compare=False, repr=False)


def load_credentials(deployments: Iterable[Deployment], proxies: Proxies) -> dict[str, Credentials]:
    """Return the credentials of all deployments by name; equal TLS contexts are shared.

    Raises:
        ConfigError: A file cannot be read or is invalid, or a proxy cannot be used.
    """
    contexts: dict[bytes, SSLContext] = {}
    return {each.name: _load(each, proxies, contexts) for each in deployments}


def _load(deployment: Deployment, proxies: Proxies, contexts: dict[bytes, SSLContext]) -> Credentials:
    key = read_key(deployment) if deployment.users.detail == "pseudonymous" else None
    tls = deployment.tls
    try:
        files = [path.read_bytes() if path else b"" for path in (tls.ca_file, tls.cert_file, tls.key_file)]
        needed = tls != TLSConfig() or uses_tls(deployment, proxies)
        digest = _digest(tls.model_dump_json().encode(), bytes([needed]), *files)
        if digest not in contexts:  # one that trusts no authority takes 2 MB less
            contexts[digest] = create_tls_context(tls) if needed else SSLContext(PROTOCOL_TLS_CLIENT)
    except OSError as error:
        what = (
            describe_unreadable(Path(error.filename), error).what
            if error.filename
            else f"cannot be used: {error}"
        )
        issue = ConfigIssue("", f"tls of {deployment.name}", what, "check what the files of `tls` hold")
        raise ConfigError([issue]) from None
    return Credentials(_digest(digest, key or b""), contexts[digest], key)


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


class DeploymentManager:
    """The deployments of this process, each with its own poller.

    Create it on the running event loop. `transport` replaces the network.
    """

    def __init__(
        self,
        pages: PageStore,
        environ: Mapping[str, str],
        datasets: Mapping[str, Dataset],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.pollers: Mapping[str, DeploymentPoller] = {}
        self._credentials: Mapping[str, Credentials] = {}
        self._environ = environ
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="convert")
        shared_transport = SharedTransport(transport, read_proxies(environ))
        self._shared = SharedResources(pages, Scheduler(), self._executor, shared_transport, datasets)
        self._started = asyncio.get_running_loop().time()
        self._publishing: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the page shows that everything was tried once, or it had enough time."""
        waited = asyncio.get_running_loop().time() - self._started
        return waited > _READY_AFTER or all(poller.is_ready for poller in self.pollers.values())

    def start(self) -> None:
        """Start the jobs of all deployments, and keep the page up to date."""
        self._shared.scheduler.start()
        self._publishing = asyncio.create_task(self._shared.pages.run())

    async def apply(self, config: Config) -> int:
        """Poll the deployments of the config; those that did not change are not interrupted.

        Deployments change one after the other, so that scrapes are served in
        between. Returns how many existing deployments changed or were removed.

        Raises:
            ConfigError: A file that the config names, or a proxy, cannot be used; nothing changes then.
        """
        credentials = await asyncio.to_thread(
            load_credentials, config.deployments, self._shared.transport.proxies
        )
        before = self.pollers
        after = {each.name: self._get_poller(each, credentials[each.name]) for each in config.deployments}
        self.pollers, self._credentials = after, credentials
        changed = [name for name in {**before, **after} if before.get(name) is not after.get(name)]
        for number, name in enumerate(changed):
            if name in before:
                await asyncio.gather(before[name].stop(), return_exceptions=True)
            if name in after:
                after[name].start(max(0, number - _STARTED_AT_ONCE) * _START_PAUSE)
            await asyncio.sleep(0)
        return sum(name in before for name in changed)

    async def close(self) -> None:
        """Stop everything."""
        self._shared.scheduler.stop()
        if self._publishing:
            self._publishing.cancel()
        await asyncio.gather(*(poller.stop() for poller in self.pollers.values()), return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _get_poller(self, deployment: Deployment, credentials: Credentials) -> DeploymentPoller:
        """Return the existing poller, or a new one if its config or files changed."""
        existing = self.pollers.get(deployment.name)
        if (
            existing
            and existing.deployment == deployment
            and self._credentials[deployment.name] == credentials
        ):
            return existing
        token = partial(read_token, deployment, self._environ)
        return DeploymentPoller(deployment, token, credentials.pseudonym_key, credentials.tls, self._shared)
