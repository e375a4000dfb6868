"""Detection of text that looks like a secret."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest

from insights_exporter.datasets.apps import KNOWN_APPS
from insights_exporter.datasets.secret_patterns import (
    PATTERNS,
    name_looks_secret,
    slug_looks_secret,
    value_looks_secret,
)

SECRET_NAMES = [
    "token",
    "GITHUB_TOKEN",
    "clientSecret",
    "db-password",
    "passwd",
    "aws_credentials",
    "private_key",
    "PrivateKey",
    "ssh private key",
    "api-key",
]
PLAIN_NAMES = ["region", "cpu", "disk_size", "keyboard", "git_repo", "passenger"]

SECRET_VALUES = {
    "URL with user and password": "https://me:pw@git.example.com/a.git",
    "URL with user": "ssh://git@git.example.com/a.git",
    "URL within a text": "clone from https://t0k3n@git.example.com/a please",
    "e-mail": "jane.doe+x@example.co.uk",
    "e-mail at a domain with a dash": "jane-doe@example-corp.com",
    "e-mail within a text": "Jane Doe <jane@example.com>",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "GitHub": "ghp_0123456789abcdefghij0123456789abcdef",
    "GitHub, new": "github_pat_11ABCDEFG0",
    "GitLab": "glpat-0123456789",
    "GitLab deploy token": "gldt-0123456789",
    "Slack": "xoxb-1234-5678",
    "Slack app": "xapp-1-A0123-4567",
    "OpenAI": "sk-0123456789abcdef",
    "OpenAI project": "sk-proj-0123456789abcdef",
    "Anthropic": "sk-ant-0123456789abcdef",
    "Stripe": "rk_live_0123456789",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "AWS, temporary": "ASIAIOSFODNN7EXAMPLE",
    "Google": "AIzaSyA-0123456789abcdefghijklm",
    "Google OAuth": "ya29.a0AfH6SM",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "Vault": "hvs.CAESIJ",
    "npm": "npm_0123456789abcdef",
    "PyPI": "pypi-AgEIcHlwaS5vcmc",
    "Docker": "dckr_pat_0123",
    "DigitalOcean": "dop_v1_0123",
    "SendGrid": "SG.0123456789abcdef",
    "Shopify": "shpat_0123",
    "Hugging Face": "hf_0123456789abcdef",
    "age": "AGE-SECRET-KEY-1QQPQYP",
    "Coder": "AbCdEfGhIj-0123456789abcdefghijkl",
    "assignment": "DB_PASSWORD=x",
    "assignment of a key": "api-key=x",
}
PLAIN_VALUES = {
    "region": "eu-central-1",
    "URL": "https://git.example.com/acme/app.git?ref=main",
    "URL with an at sign in its path": "https://npm.example.com/@scope/name",
    "clone address": "git@git.example.com:acme/app.git",
    "image": "codercom/enterprise-base:ubuntu",
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "mention": "@jane",
    "list": '["a","b"]',
    "word": "risk-averse",
}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_name_of_a_secret_is_recognized(name: str) -> None:
    """A name is recognized in any case and with any separators."""
    assert name_looks_secret(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_other_names_are_not_redacted(name: str) -> None:
    """An ordinary name is not hidden."""
    assert not name_looks_secret(name)


@pytest.mark.parametrize("value", SECRET_VALUES.values(), ids=SECRET_VALUES)
def test_value_of_a_secret_is_recognized(value: str) -> None:
    """A secret is recognized by its shape anywhere in the value."""
    assert value_looks_secret(value)


def normalize_as_coder(slug: str) -> str:
    """Return a slug as Coder writes it for session apps."""
    return slug.lower().replace("-", "_")


@pytest.mark.parametrize("spell", [str, normalize_as_coder], ids=["as the client", "as the server"])
@pytest.mark.parametrize("value", SECRET_VALUES.values(), ids=SECRET_VALUES)
def test_secret_in_a_slug_is_recognized_in_both_spellings(value: str, spell: Callable[[str], str]) -> None:
    """Coder writes names of session apps in lower case and with `_` for `-`."""
    assert slug_looks_secret(spell(value))


@pytest.mark.parametrize("spell", [str, normalize_as_coder], ids=["as the client", "as the server"])
def test_jwt_that_is_cut_to_a_slug_is_recognized(spell: Callable[[str], str]) -> None:
    """Coder cuts names of session apps to 64 characters, which may be less than a JWT has before its dot."""
    header = b'{"alg":"RS256","kid":"0123456789abcdef0123456789abcdef","typ":"JWT"}'

    assert slug_looks_secret(spell(urlsafe_b64encode(header).decode()[:64]))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_has_an_example(pattern: str) -> None:
    """Each pattern is needed for at least one of the examples."""
    assert any(re.search(pattern, value) for value in SECRET_VALUES.values())


PLAIN_SLUGS = [
    *("code-server", "code_server", "jupyter-notebook", "vscode_insiders", "rstudio-server"),
    *("intellij_idea_ultimate_edition", "pypi_server", "xapp_editor", "ssh", "overflow"),
    *("sk_learn", "my_company_internal_dashboard_app"),
]


@pytest.mark.parametrize("slug", [*PLAIN_SLUGS, *KNOWN_APPS])
def test_other_slugs_are_not_redacted(slug: str) -> None:
    """An ordinary slug is not hidden."""
    assert not slug_looks_secret(slug)


@pytest.mark.parametrize("value", PLAIN_VALUES.values(), ids=PLAIN_VALUES)
def test_other_values_are_not_redacted(value: str) -> None:
    """An ordinary value is not hidden."""
    assert not value_looks_secret(value)


@pytest.mark.parametrize("piece", ["a", "a@", "://", "a.", "-", "eyJ", "-eyJ", "x" * 9 + "-"])
def test_long_values_take_no_time(piece: str) -> None:
    """A long text that almost fits takes no time; quadratic search would outlast the test's limit."""
    text = piece * (200_000 // len(piece)) + "!"

    assert not value_looks_secret(text)
    assert not slug_looks_secret(text)
