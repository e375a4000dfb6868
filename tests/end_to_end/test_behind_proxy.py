"""The exporter below a path prefix: with nginx, TLS and a browser, with and without stripping the path."""

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
import trustme
from playwright.async_api import BrowserContext, Page

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import RunExporter
from tests.integration.nginx import run_proxy
from tests.integration.processes import free_port
from tests.integration.waiting import eventually

PREFIX = "/tools/insights"
CONFIG = """\
defaults: {{token_env: TOKEN, requests_per_minute: 10000}}
deployments: [{{name: first, url: "{url}"}}, {{name: second, url: "{url}"}}]
"""


@dataclass(frozen=True, slots=True)
class Proxied:
    """An exporter behind nginx: its own address, and the one that browsers use."""

    trust: ssl.SSLContext
    direct: str
    base: str
    prefix: str

    def get(self, url: str) -> httpx.Response:
        """Request a URL, without following redirects."""
        return httpx.get(url, verify=self.trust, trust_env=False, timeout=30)


LOCATIONS = {
    "stripped": "location {prefix}/ {{ proxy_pass {upstream}/; }}",
    "replaced": "location {prefix} {{ rewrite ^{prefix}/?(.*)$ /$1 break; proxy_pass {upstream}; }}",
    "kept": "location {prefix} {{ proxy_pass {upstream}; }}",
}
"""How nginx passes a prefix on: without it, as HTTPRoute's ReplacePrefixMatch does, or with it."""


@pytest.fixture(scope="module", params=LOCATIONS)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Serve behind an nginx that strips the prefix, or keeps it."""
    folder, stripped = tmp_path_factory.mktemp("proxied"), request.param != "kept"
    config, port = folder / "config.yml", free_port()
    coder = EmbeddedCoder(population=Population(seed=1, users=10, templates=2), rate_limit=-1)
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    upstream = f"http://127.0.0.1:{port}"
    location = LOCATIONS[request.param].format(prefix=PREFIX, upstream=upstream)
    with (
        serve(coder) as url,
        run_proxy(folder / "nginx", authority, location) as address,
    ):
        config.write_text(CONFIG.format(url=url), encoding="utf-8")
        flags = [f"--config.file={config}", f"--web.external-url={address}{PREFIX}/"]
        flags += ["--web.route-prefix=/"] if stripped else []
        prefix = "" if stripped else PREFIX
        with exporter_peer.serving(folder, *flags, env={"TOKEN": DEMO_TOKEN}, port=port, prefix=prefix):
            proxied = Proxied(trust, upstream, f"{address}{PREFIX}", prefix)
            eventually(lambda: proxied.get(f"{proxied.base}/-/ready").status_code == httpx.codes.OK)
            yield proxied


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser_context: BrowserContext) -> AsyncIterator[Page]:
    """Provide a page of a browser that does not know the test's authority."""
    assert browser_context.browser
    async with await browser_context.browser.new_page(ignore_https_errors=True) as page:
        yield page


async def links(page: Page) -> set[str]:
    """Return the addresses that the page's links lead to."""
    found: list[str] = await page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
    return set(found)


@pytest.mark.parametrize("end", ["/", "", "/?window=7d", "?window=7d"])
async def test_all_links_of_the_status_page(page: Page, proxied: Proxied, end: str) -> None:
    """Each link of the pages at `/` leads below the prefix, with and without a slash in the address."""
    await page.goto(proxied.base + end)
    overview = await links(page)
    await page.get_by_role("link", name="second").click()
    found = {each for each in overview | await links(page) if each.startswith("https://localhost:")}

    assert {f"{proxied.base}/metrics", f"{proxied.base}/config", f"{proxied.base}/-/ready"} <= found
    assert [] == [each for each in found if not each.startswith(f"{proxied.base}/")]
    assert {200} == {proxied.get(each).status_code for each in found}
    await page.get_by_role("link", name="All deployments").click()
    assert await page.get_by_role("link", name="first").count()
    assert page.url.startswith(f"{proxied.base}/")


async def test_refreshing(page: Page, proxied: Proxied) -> None:
    """The page refreshes itself from its own URL."""
    await page.goto(f"{proxied.base}/?deployment=first")
    async with page.expect_response(lambda response: response.url == page.url) as refreshed:
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert 200 == (await refreshed.value).status


@pytest.mark.parametrize("path", ["/metrics/", "/config/", "/-/healthy/", "/missing"])
def test_no_redirect_for_a_slash_at_the_end(proxied: Proxied, path: str) -> None:
    """A path with a slash at its end is not found, and nothing is redirected to another host or scheme."""
    response = proxied.get(proxied.base + path)

    assert (404, None) == (response.status_code, response.headers.get("location"))


def test_paths_above_the_prefix(proxied: Proxied) -> None:
    """Without a proxy, relative redirects lead from the paths above to below the prefix."""
    if proxied.prefix:
        found = {path: proxied.get(proxied.direct + path) for path in ("/", PREFIX, "/metrics")}
        results = {path: (each.status_code, each.headers.get("location")) for path, each in found.items()}

        assert {
            "/": (302, "./tools/insights/"),
            PREFIX: (302, "./insights/"),
            "/metrics": (404, None),
        } == results
    else:
        assert 200 == proxied.get(f"{proxied.direct}/metrics").status_code


def test_health(proxied: Proxied, run_exporter: RunExporter) -> None:
    """`health` sends its request below the prefix, which the same flags set."""
    address = proxied.direct.removeprefix("http://")
    flags = [f"--web.route-prefix={proxied.prefix or '/'}", f"--web.external-url={proxied.base}"]
    ended = run_exporter("health", "--ready", f"--web.listen-address={address}", *flags)

    assert (0, "") == (ended.returncode, ended.stderr)
