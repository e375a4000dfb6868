"""Groups and their members: paths, filters, roles."""

import pytest

from insights_exporter.demo import DEMO_TOKEN, Population
from tests.demo.client import NOW, SMALL, Json, coder, load_document, send_request

CODER, RESEARCH = SMALL.catalog.organizations


def groups(path: str = "/groups", role: str = "auditor") -> Json:
    """Return the groups that a server lists."""
    return load_document(coder(role=role), path)


def test_everyone_is_a_group_of_each_organization() -> None:
    """The group of everyone has the id of its organization, and all its users."""
    everyone = {each["id"]: each for each in groups() if each["name"] == "Everyone"}

    assert {CODER.id, RESEARCH.id} == everyone.keys()
    assert sum(SMALL.count_statuses(NOW.toordinal()).values()) == len(everyone[CODER.id]["members"])
    assert 0 < len(everyone[RESEARCH.id]["members"]) < len(everyone[CODER.id]["members"])


def test_members_are_embedded_with_personal_data() -> None:
    """Each member has a name and an e-mail address, and each group counts its members."""
    found = groups()

    assert all("@example.com" in member["email"] for each in found for member in each["members"])
    assert all(each["total_member_count"] == len(each["members"]) for each in found)
    assert min(len(each["members"]) for each in found) < 5


def test_user_may_be_in_several_teams() -> None:
    """Members of teams overlap, and some users are in none."""
    members = [member["id"] for each in groups() if each["name"] != "Everyone" for member in each["members"]]

    assert len(set(members)) < len(members)
    assert len(set(members)) < len(SMALL.users)


def test_organization_lists_its_groups() -> None:
    """An organization lists its groups by id or name."""
    by_id = [groups(f"/organizations/{each.id}/groups") for each in (CODER, RESEARCH)]
    by_name = [groups(f"/organizations/{each.name}/groups") for each in (CODER, RESEARCH)]

    assert by_id == by_name
    assert len(groups()) == sum(map(len, by_id))


@pytest.mark.parametrize("path", ["/groups", f"/organizations/{RESEARCH.name}/groups"])
def test_groups_have_no_pages(path: str) -> None:
    """Parameters of paging are refused."""
    response = send_request(coder(), path, {"limit": "10"})

    assert response.status_code == 400
    assert b'Query param \\"limit\\" is not a valid query param' in response.body


@pytest.mark.parametrize(
    ("role", "names", "members"),
    [
        ("owner", 10, True),
        ("auditor", 10, True),
        ("template-admin", 10, True),
        ("user-admin", 10, True),
        ("organization-template-admin", 9, True),
        ("member", 2, False),
    ],
)
def test_role_decides_which_groups_are_listed(role: str, names: int, members: bool) -> None:
    """Others see the groups that they are in, of which they see the size and themselves."""
    found = groups(role=role)
    everyone = next(each for each in found if each["id"] == CODER.id)

    assert names == len(found)
    assert members is (len(everyone["members"]) > 1)
    assert everyone["total_member_count"] > 1


@pytest.mark.parametrize("server_version", ["2023", "2024"])
def test_older_servers_list_groups_by_organization_only(server_version: str) -> None:
    """There was no list of all, no count and no name of the organization."""
    server = coder(server_version=server_version)
    (everyone, *_) = load_document(server, f"/organizations/{CODER.id}/groups")

    assert send_request(server, "/groups").status_code == 404
    assert "total_member_count" not in everyone
    assert "organization_name" not in everyone


def test_unknown_organization_has_no_groups() -> None:
    """An unknown organization is a missing resource."""
    assert send_request(coder(), "/organizations/mars/groups").status_code == 404


def test_number_of_teams_is_chosen() -> None:
    """A population has as many teams as wanted, each with its own name and id."""
    large = Population(users=300, teams=50).groups

    assert len(large) == 52
    assert len({each.id for each in large}) == 52
    assert len({(each.organization, each.name) for each in large}) == 52
    assert Population(users=3, teams=0).groups[0].members == [0, 1, 2]


def test_groups_need_a_token() -> None:
    """A request without a token is refused, even if the response is cached."""
    server = coder(population=Population(users=300))
    tokens = (DEMO_TOKEN, "", DEMO_TOKEN)

    assert [200, 401, 200] == [send_request(server, "/groups", token=token).status_code for token in tokens]
