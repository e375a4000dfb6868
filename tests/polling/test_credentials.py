"""The TLS contexts of deployments: loaded where something is encrypted, and shared."""

from pathlib import Path

import pytest

from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import TLSConfig
from insights_exporter.config.proxies import read_proxies
from insights_exporter.polling.manager import load_credentials
from tests.coder.deployments import deployment

ENCRYPTED = {
    "neither": ("http://coder", None, {}, False),
    "plain proxy": ("http://coder", "http://proxy", {}, False),
    "server": ("https://coder", None, {}, True),
    "server in capitals": ("HTTPS://coder", None, {}, True),
    "server behind a plain proxy": ("https://coder", "http://proxy", {}, True),
    "proxy": ("http://coder", "https://proxy", {}, True),
    "proxy of the environment": ("http://coder", None, {"HTTP_PROXY": "https://proxy"}, True),
}


@pytest.mark.parametrize(("url", "proxy", "environ", "trusts"), ENCRYPTED.values(), ids=ENCRYPTED)
def test_authorities_are_loaded_if_something_is_encrypted(
    url: str, proxy: str | None, environ: dict[str, str], *, trusts: bool
) -> None:
    """Without TLS, the context trusts no authority, of which the system has many."""
    (credentials,) = load_credentials([deployment(url, proxy=proxy)], read_proxies(environ)).values()

    assert trusts == bool(credentials.tls.cert_store_stats()["x509_ca"])


def test_equal_contexts_are_shared() -> None:
    """Deployments with the same TLS options have one context, apart from those without TLS."""
    urls = ("https://a", "https://b", "http://c", "http://d")
    deployments = [deployment(url, name=url) for url in urls]
    contexts = [each.tls for each in load_credentials(deployments, read_proxies({})).values()]

    assert (contexts[0], contexts[2]) == (contexts[1], contexts[3])
    assert contexts[0] is not contexts[2]


def test_invalid_files_are_errors_without_tls_too(tmp_path: Path) -> None:
    """The files of `tls` are checked for any URL."""
    file = tmp_path / "ca.pem"
    file.touch()

    with pytest.raises(ConfigError, match="check what the files of `tls` hold"):
        load_credentials([deployment("http://coder", tls=TLSConfig(ca_file=file))], read_proxies({}))
