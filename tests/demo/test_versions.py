"""The differences between server versions."""

from datetime import UTC, datetime

import pytest

from insights_exporter.demo import SERVER_VERSIONS
from tests.demo.client import TEMPLATES, WEEK, coder, fetch_report, load_document, send_request
from tests.demo.queries import read_accepted, read_rejected, some_bad

STATUS_COUNTS = "/insights/user-status-counts"


@pytest.mark.parametrize(
    ("server_version", "builtins", "name", "times"),
    [
        ("2023", 4, "Visual Studio Code", False),
        ("2024", 5, "Visual Studio Code", False),
        ("2025", 5, "Visual Studio Code", True),
        ("2026", 5, "VS Code Family", True),
    ],
)
def test_versions_differ(server_version: str, builtins: int, name: str, times: bool) -> None:
    """Apps grew a field and changed a name over the years."""
    apps = fetch_report(coder(server_version=server_version), "templates")["apps_usage"]

    assert builtins == sum(app["type"] == "builtin" for app in apps)
    assert (name, times) == (apps[0]["display_name"], "times_used" in apps[0])


def test_oldest_servers_differ() -> None:
    """In 2023 days had times, every response had intervals, and apps listed all templates of the report."""
    server = coder(server_version="2023")
    body = load_document(server, TEMPLATES, WEEK)

    assert load_document(server, "/insights/daus")["entries"][0]["date"].endswith("T00:00:00Z")
    assert body["interval_reports"] == []
    assert all(
        body["report"]["template_ids"] == app["template_ids"] for app in body["report"]["apps_usage"][:4]
    )
    assert send_request(server, "/templates").status_code == 404
    assert "organization_name" not in load_document(server, "/organizations/coder/templates")[0]


@pytest.mark.parametrize("server_version", SERVER_VERSIONS)
def test_versions_agree_on_users(server_version: str) -> None:
    """The activity of users does not depend on the server version."""
    assert fetch_report(coder(), "user-activity") == fetch_report(
        coder(server_version=server_version), "user-activity"
    )


def test_published_server_has_both_sections() -> None:
    """A server by the API documentation returns both sections, with weeks."""
    server = coder(rules="published")
    query = {"before": "1778457600", "after": "1779289200"}
    body = load_document(server, TEMPLATES, query)

    assert ["report", "interval_reports"] == list(body)
    assert {row["interval"] for row in body["interval_reports"]} == {"week"}
    assert "times_used" not in body["report"]["apps_usage"][0]
    assert send_request(server, "/buildinfo").status_code == 404
    assert send_request(server, TEMPLATES, query, token="").status_code == 401


@pytest.mark.parametrize("server_version", ["2026", "2026-session-apps", "2026-bounded", "next"])
@pytest.mark.parametrize(
    ("query", "zone"),
    [
        pytest.param({}, "UTC", id="neither"),
        pytest.param({"tz_offset": "0"}, "UTC", id="offset of 0"),
        pytest.param({"tz_offset": "9"}, "Etc/GMT-9", id="east"),
        pytest.param({"tz_offset": "-12"}, "Etc/GMT+12", id="west"),
        pytest.param({"timezone": "Asia/Tokyo"}, "Asia/Tokyo", id="zone"),
        pytest.param(
            {"timezone": "Asia/Tokyo", "tz_offset": "0"}, "Asia/Tokyo", id="zone, and an offset of 0"
        ),
    ],
)
def test_zone_of_status_counts(server_version: str, query: dict[str, str], zone: str) -> None:
    """Servers of 2026 accept a time zone or whole hours; later ones only a time zone."""
    if server_version == "next" and "tz_offset" in query:
        unknown = some_bad(("tz_offset", "is not a valid query param"))
        assert unknown == read_rejected(query, STATUS_COUNTS, server_version)
        return
    assert zone == str(read_accepted(query, STATUS_COUNTS, server_version=server_version).zone)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            {"timezone": "Asia/Tokyo", "tz_offset": "9"},
            'Provide either "timezone" or "tz_offset", not both.',
            id="both",
        ),
        pytest.param({"timezone": "Mars/Base"}, "Invalid timezone.", id="unknown zone"),
        pytest.param({"tz_offset": "15"}, "Invalid timezone.", id="too far east"),
        pytest.param({"tz_offset": "-13"}, "Invalid timezone.", id="too far west"),
    ],
)
def test_bad_zone_of_status_counts(query: dict[str, str], message: str) -> None:
    """Both parameters at once, and zones that the database does not have, are refused."""
    body = read_rejected(query, STATUS_COUNTS, "2026-bounded")

    assert message == body["message"]
    assert "validations" not in body


def test_zone_is_unknown_to_servers_of_2025() -> None:
    """`timezone` came in 2026."""
    unknown = some_bad(("timezone", "is not a valid query param"))

    assert unknown == read_rejected({"timezone": "Asia/Tokyo"}, STATUS_COUNTS, "2025")


@pytest.mark.parametrize("server_version", ["2023", "2024"])
def test_older_servers_have_no_status_counts(server_version: str) -> None:
    """user-status-counts came in 2025."""
    assert send_request(coder(server_version=server_version), STATUS_COUNTS).status_code == 404


def test_oldest_server_compares_today_in_its_own_zone() -> None:
    """In 2023 a client in another zone was refused near midnight."""
    now = datetime(2024, 5, 20, 23, 30, tzinfo=UTC)
    query = {"start_time": "2024-05-21T00:00:00+05:00", "end_time": "2024-05-21T05:00:00+05:00"}

    assert read_accepted(query, now=now)
    assert read_rejected(query, server_version="2023", now=now)
