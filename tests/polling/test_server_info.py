"""Template names, server version and token expiry."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder, Population
from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

NAMES = "coder_insights_template_info"
USERS = "coder_insights_template_active_users"
KEY = "/users/me/keys/embedded00"
NO_ROUTE = b'{"message":"Route not found."}'


class Without(httpx.AsyncBaseTransport):
    """A server with other responses at some paths."""

    def __init__(self, coder: EmbeddedCoder, instead: Mapping[str, tuple[int, bytes]]) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))
        self._instead = instead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the other response of the path, if it has one."""
        other = self._instead.get(request.url.path.removeprefix("/api/v2"))
        if other is None:
            return await self._inner.handle_async_request(request)
        return httpx.Response(other[0], stream=httpx.ByteStream(other[1]))


def render_page(coder: EmbeddedCoder, instead: Mapping[str, tuple[int, bytes]] | None = None) -> str:
    """Return the page after everything was polled once."""

    async def scenario() -> str:
        async with poll_deployment(Without(coder, instead or {})) as polled:
            await asyncio.sleep(60)
            return polled.page()

    return run_on_fast_clock(scenario)


def list_names(page: str, family: str = NAMES) -> set[tuple[str, str]]:
    """Return organization and name of each template that a family has."""
    return {
        (labels["organization_name"], labels["template_name"])
        for labels in map(dict, parse_series(page, family))
    }


LISTED = {("coder", "kubernetes"), ("coder", "docker"), ("research", "docker")}


@pytest.mark.parametrize("server_version", ["2026", "2024", "2023"])
def test_all_server_versions_name_templates(server_version: str) -> None:
    """Old servers list templates by organization, or without organization names."""
    page = render_page(create_small_coder(server_version=server_version))

    assert LISTED == list_names(page)
    assert LISTED <= list_names(page, USERS)
    assert 'coder_insights_build_info{deployment="dev",version="v' in page


def test_templates_are_listed_by_organization_otherwise() -> None:
    """Without a list of all templates, each organization is requested, with the same names."""
    assert LISTED == list_names(render_page(create_small_coder(), {"/templates": (404, NO_ROUTE)}))


def test_failed_organization_keeps_its_names() -> None:
    """A failed request removes no name."""
    coder = create_small_coder()
    instead = {"/templates": (404, NO_ROUTE)}
    research = coder.population.catalog.organizations[1].id

    async def scenario() -> set[tuple[str, str]]:
        async with poll_deployment(Without(coder, instead)) as polled:
            await asyncio.sleep(60)
            instead[f"/organizations/{research}/templates"] = (500, b"")
            await asyncio.sleep(3600)
            return list_names(polled.page())

    assert LISTED == run_on_fast_clock(scenario)


def test_without_a_list_names_are_ids() -> None:
    """The breakdown does not wait for names that cannot be listed."""
    page = render_page(create_small_coder(), dict.fromkeys(("/templates", "/organizations"), (404, NO_ROUTE)))
    labels = [dict(labels) for labels in parse_series(page, USERS)]

    assert set() == list_names(page)
    assert labels
    assert all(one["template_name"] == one["template_id"] for one in labels)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ((500, b""), "server_error"),
        ((403, b'{"message":"Forbidden."}'), "forbidden"),
        ((200, b"<html>"), "invalid"),
        ((200, b'[{"id":1}]'), "invalid"),
        ((302, b""), "redirect"),
    ],
    ids=["broken", "forbidden", "a page", "unknown shape", "elsewhere"],
)
def test_failure_to_list_templates_is_exposed(response: tuple[int, bytes], reason: str) -> None:
    """The list has health series like every dataset; the breakdown continues with ids."""
    page = render_page(create_small_coder(), dict.fromkeys(("/templates", "/organizations"), response))
    success = parse_series(page, "insights_exporter_poll_success")
    failures = parse_series(page, "insights_exporter_request_failures_total")

    assert {"template-list"} == {dict(labels)["dataset"] for labels, value in success.items() if not value}
    assert {("template-list", reason)} == {
        (dict(labels)["dataset"], dict(labels)["reason"]) for labels, value in failures.items() if value
    }
    assert not parse_series(page, NAMES)
    assert parse_series(page, USERS)


def test_failed_organization_is_exposed() -> None:
    """The poll of the list fails, although the names of other organizations are known."""
    coder = create_small_coder()
    research = coder.population.catalog.organizations[1].id
    broken = {"/templates": (404, NO_ROUTE), f"/organizations/{research}/templates": (500, b"")}
    page = render_page(coder, broken)
    success = parse_series(page, "insights_exporter_poll_success")

    assert {("coder", "kubernetes"), ("coder", "docker")} == list_names(page)
    assert [0.0] == [value for labels, value in success.items() if dict(labels)["dataset"] == "template-list"]


def test_failed_list_of_organizations_keeps_their_names() -> None:
    """Older servers list organizations separately: a failure changes no name."""
    coder = create_small_coder(server_version="2024")
    instead: dict[str, tuple[int, bytes]] = {}

    async def scenario() -> set[tuple[str, str]]:
        async with poll_deployment(Without(coder, instead), datasets=LIST_ALONE) as polled:
            await asyncio.sleep(60)
            instead["/organizations"] = (500, b"")
            await asyncio.sleep(4 * 3600)
            return list_names(polled.page())

    assert LISTED == run_on_fast_clock(scenario)


def test_organizations_without_names_have_ids() -> None:
    """Templates keep their names, and the failure is exposed."""
    coder = create_small_coder(server_version="2024")
    organizations = {each.name: each.id for each in coder.population.catalog.organizations}
    page = render_page(coder, {"/organizations": (403, b'{"message":"Forbidden."}')})
    success = parse_series(page, "insights_exporter_poll_success")

    assert {(organizations[organization], name) for organization, name in LISTED} == list_names(page)
    assert [0.0] == [value for labels, value in success.items() if dict(labels)["dataset"] == "template-list"]


def test_disabled_list_leaves_ids() -> None:
    """Templates are exposed by id, and nothing waits for their names."""
    coder = create_small_coder()

    async def scenario() -> str:
        async with poll_deployment(coder, datasets={"template-list": {"enabled": False}}) as polled:
            await asyncio.sleep(60)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert not parse_series(page, NAMES)
    assert parse_series(page, USERS)
    assert not any(seen.path.endswith("/templates") for seen in coder.requests if "insights" not in seen.path)


def test_token_expiry_is_exposed() -> None:
    """The expiry and the lifetime of the token are exposed if the server reports them."""
    page = render_page(create_small_coder())

    assert 'insights_exporter_token_expiry_timestamp_seconds{deployment="dev"} 1.7' in page
    assert 'insights_exporter_token_lifetime_seconds{deployment="dev"} ' in page


@pytest.mark.parametrize(
    "response",
    [(404, NO_ROUTE), (500, b""), (403, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"null"), (302, b"")],
    ids=["no route", "broken", "forbidden", "a page", "a list", "null", "elsewhere"],
)
def test_failures_of_server_info_are_not_counted(response: tuple[int, bytes]) -> None:
    """Without version and token the data is exposed, and no failure is reported."""
    paths = ("/buildinfo", KEY)
    page = render_page(create_small_coder(), dict.fromkeys(paths, response))

    assert {1.0} == set(parse_series(page, "insights_exporter_poll_success").values())
    assert {0.0} == set(parse_series(page, "insights_exporter_request_failures_total").values())
    assert "coder_insights_build_info" not in page
    assert "token_expiry" not in page


LIST_ALONE = {name: {"enabled": False} for name in DATASETS if name != "template-list"}
SHOWN = (NAMES, "coder_insights_build_info", "insights_exporter_token_expiry_timestamp_seconds")
HOUR = 3600


@pytest.mark.parametrize("fault", ["502", "401", "sign-in-page"])
def test_server_info_expires_after_three_hours(fault: str) -> None:
    """It outlives a failure of two hours, expires after three, and returns with the server."""
    coder = create_small_coder()

    async def scenario() -> list[set[str]]:
        async with poll_deployment(coder, datasets=LIST_ALONE) as polled:
            await asyncio.sleep(60)
            coder.fail(fault)
            seen = []
            for wait in (2.5 * HOUR, HOUR):
                await asyncio.sleep(wait)
                seen.append(set(filter(polled.page().__contains__, SHOWN)))
            assert (None, None) == (
                polled.poller.server_info.version,
                polled.poller.server_info.token.expires,
            )
            coder.clear_faults()
            await asyncio.sleep(1.5 * HOUR)
            return [*seen, set(filter(polled.page().__contains__, SHOWN))]

    assert [set(SHOWN), set(), set(SHOWN)] == run_on_fast_clock(scenario)


def test_requests_for_server_info_are_not_counted() -> None:
    """The request counters cover datasets only."""
    coder = create_small_coder()
    counted = sum(parse_series(render_page(coder), "insights_exporter_requests_total").values())
    paths = ("/insights/", "/templates", "/entitlements")
    datasets = [seen for seen in coder.requests if any(path in seen.path for path in paths)]

    assert len(datasets) == counted
    assert len(coder.requests) == counted + 2


def test_server_info_is_requested_hourly() -> None:
    """A renamed or new template is known within the hour."""

    async def scenario() -> int:
        coder = create_small_coder()
        async with poll_deployment(coder):
            await asyncio.sleep(2 * 3600)
        return sum(seen.path == "/api/v2/templates" for seen in coder.requests)

    assert 3 == run_on_fast_clock(scenario)


@pytest.mark.parametrize(
    ("zone", "asked"), [("UTC", 0), ("Etc/UTC", 0), ("Asia/Kolkata", 3), ("America/Los_Angeles", 3)]
)
def test_utc_days_are_requested_for_other_zones(zone: str, asked: int) -> None:
    """60 days are known in any zone, for one request per hour."""
    coder = create_small_coder()

    async def scenario() -> tuple[int, int]:
        async with poll_deployment(coder, timezone=zone) as polled:
            await asyncio.sleep(2 * HOUR)
            own = polled.poller.get_summary("daus", "").days
            return len(own), len(polled.poller.server_info.utc_days)

    own, of_utc = run_on_fast_clock(scenario)
    requests = sum(seen.path == "/api/v2/insights/daus" for seen in coder.requests)

    assert 60 <= max(own, of_utc)
    assert asked == (0 if of_utc == 0 else requests)


def test_utc_days_of_a_disabled_dataset_are_not_requested() -> None:
    """If `daus` is disabled, its days are not requested."""
    coder = create_small_coder()

    async def scenario() -> None:
        async with poll_deployment(coder, timezone="Asia/Kolkata", datasets={"daus": {"enabled": False}}):
            await asyncio.sleep(HOUR)

    run_on_fast_clock(scenario)

    assert not any("daus" in seen.path for seen in coder.requests)


def test_new_template_is_listed_soon() -> None:
    """A report that names an unknown template has the list requested within two minutes."""
    larger = Population(seed=1, users=20, templates=5)

    async def scenario() -> set[tuple[str, str]]:
        coder = create_small_coder()
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(60)
            coder.population = larger
            await asyncio.sleep(1140)
            return list_names(polled.page(), USERS)

    assert list_names(render_page(EmbeddedCoder(population=larger)), USERS) == (run_on_fast_clock(scenario))
