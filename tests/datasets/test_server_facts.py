"""Names, version and the token's life, from what servers of all ages say."""

import pytest

from insights_exporter.datasets.dataset import Template
from insights_exporter.datasets.server_facts import (
    Token,
    build_info,
    organizations_needed,
    read_organizations,
    read_templates,
    read_token,
    read_version,
    template_info,
    templates_by_id,
    token_samples,
)
from tests.datasets.cases import lines_of

OLD = b'[{"id":"a","name":"docker","organization_id":"o"}]'
NEW = OLD.replace(b"}]", b',"organization_name":"acme","deprecated":true,"icon":""}]')


def test_newer_servers_name_the_organization() -> None:
    """Nothing more has to be asked."""
    listed = read_templates(NEW).value

    assert not organizations_needed(listed)
    assert {"a": Template("a", "docker", "acme", deprecated=True)} == templates_by_id(listed, {})


ORGANIZATIONS = {"named": (b'[{"id":"o","name":"acme"}]', "acme"), "unknown": (b"[]", "o")}


@pytest.mark.parametrize(("organizations", "expected"), ORGANIZATIONS.values(), ids=ORGANIZATIONS)
def test_older_servers_tell_the_organization_apart(organizations: bytes, expected: str) -> None:
    """Its name comes from the list of organizations, else it is called by its id."""
    listed = read_templates(OLD).value

    assert organizations_needed(listed)
    assert {"a": Template("a", "docker", expected)} == templates_by_id(
        listed, read_organizations(organizations)
    )


def test_template_info_is_one_series_a_template() -> None:
    """Sorted by id."""
    templates = {
        "b": Template("b", "docker", "acme"),
        "a": Template("a", "docker", "umbrella", deprecated=True),
    }

    assert [
        (("umbrella", "docker", "a", "true"), 1.0),
        (("acme", "docker", "b", "false"), 1.0),
    ] == template_info(templates).rows


VERSIONS = {
    "told": (b'{"version":"v2.20.0+abc","external_url":"x"}', 1),
    "untold": (b"{}", 0),
    "empty": (b'{"version":""}', 0),
    "null": (b'{"version":null}', 0),
    "no text": (b'{"version":2}', 0),
}


@pytest.mark.parametrize(("body", "expected"), VERSIONS.values(), ids=VERSIONS)
def test_build_info_is_there_if_told(body: bytes, expected: int) -> None:
    """A server that does not say its version has no such series."""
    assert expected == len(build_info(read_version(body)).rows)


TOKENS = {
    "both": (b'{"expires_at":"2026-05-21T00:00:00Z","lifetime_seconds":86400}', Token(1779321600.0, 86400.0)),
    "neither": (b"{}", Token(None, None)),
    "never": (b'{"expires_at":"0001-01-01T00:00:00Z","lifetime_seconds":null}', Token(None, None)),
}


@pytest.mark.parametrize(("body", "expected"), TOKENS.values(), ids=TOKENS)
def test_token_is_read_as_far_as_told(body: bytes, expected: Token) -> None:
    """What is not known is not shown."""
    token = read_token(body)

    assert expected == token
    assert sum(value is not None for value in expected) == len(lines_of(token_samples(token)))
