"""Templates, organizations, users: the lists."""

from insights_exporter.demo import EmbeddedCoder, Population
from tests.demo.client import MONTH, NOW, SMALL, coder, fetch_report, load_document


def test_retired_template_is_named_but_not_listed() -> None:
    """Insights contain a deleted template that the list does not have."""
    used = set(fetch_report(coder(), "templates", MONTH)["template_ids"])
    listed = {each["id"] for each in load_document(coder(), "/templates")}

    assert {SMALL.catalog.templates[-1].id} == used - listed


def test_template_names_repeat_over_organizations() -> None:
    """Two templates share a name, one is deprecated, one is unused."""
    listed = load_document(coder(), "/templates")
    pairs = [(each["organization_name"], each["name"]) for each in listed]
    used = fetch_report(coder(), "templates", MONTH)["template_ids"]

    assert [("coder", "docker"), ("research", "docker")] == [pair for pair in pairs if pair[1] == "docker"]
    assert ["aws-windows"] == [each["name"] for each in listed if each["deprecated"]]
    assert ["sandbox"] == [each["name"] for each in listed if each["id"] not in used]


def test_organizations_list_their_templates() -> None:
    """An organization lists its templates by id or name."""
    server = coder()
    organizations = load_document(server, "/organizations")
    by_id = [load_document(server, f"/organizations/{each['id']}/templates") for each in organizations]
    by_name = [load_document(server, f"/organizations/{each['name']}/templates") for each in organizations]

    assert by_id == by_name
    assert len(load_document(server, "/templates")) == sum(map(len, by_id))


def test_builds_take_milliseconds_or_are_unknown() -> None:
    """Each template has percentiles of three kinds of builds, None where there were none."""
    listed = load_document(coder(), "/templates")
    times = {each["name"]: each["build_time_stats"] for each in listed}

    assert {"P50": None, "P95": None} == times["sandbox"]["start"]
    assert all(each.keys() == {"start", "stop", "delete"} for each in times.values())
    assert 20_000 < times["docker"]["start"]["P50"] < times["docker"]["start"]["P95"] < 300_000


def list_build_times(server: EmbeddedCoder) -> set[int | None]:
    """Return the different percentiles of builds of all templates."""
    listed = load_document(server, "/templates")
    builds = [build for each in listed for build in each["build_time_stats"].values()]
    return {time for build in builds for time in build.values()}


def test_build_times_may_not_be_computed_yet() -> None:
    """The fault of build times leaves the templates as they are, without times."""
    server = coder()
    names = [each["name"] for each in load_document(server, "/templates")]
    server.fail("no-build-times")

    assert {None} == list_build_times(server)
    assert names == [each["name"] for each in load_document(server, "/templates")]


def test_without_users_nothing_was_built() -> None:
    """Templates of a Coder without users have no build times."""
    assert {None} == list_build_times(coder(population=Population(users=0, templates=2)))
    assert {None} != list_build_times(coder(population=Population(users=1, templates=2)))


def test_names_return_and_ids_do_not() -> None:
    """Usernames may be reused, ids never."""
    names = [user.username for user in SMALL.users]
    ids = [user.id for user in SMALL.users]

    assert len(set(names)) < len(names)
    assert len(set(ids)) == len(ids)


def test_status_counts_agree_with_the_population() -> None:
    """The newest status counts are those of today."""
    counts = load_document(coder(), "/insights/user-status-counts")["status_counts"]

    assert SMALL.count_statuses(NOW.toordinal()) == {
        status: points[-1]["count"] for status, points in counts.items()
    }
