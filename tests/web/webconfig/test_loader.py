"""Web config files are loaded, or refused with all errors."""

import re
from pathlib import Path
from typing import Any

import pytest

from insights_exporter.config.errors import ConfigError
from insights_exporter.config.strict_yaml import YamlError, read_yaml
from tests.web.webconfig.certificates import DATA, load, write_case

BAD = sorted(path.name for path in DATA.glob("bad-*.yml"))
GOOD = sorted(path.name for path in DATA.glob("good-*.yml"))


BAD_SECTIONS = {
    "tls_server_config": "bad-key-of-another-certificate.yml",
    "http_server_config": "bad-header-frame-options.yml",
    "basic_auth_users": "bad-password-in-plain-text.yml",
    "rate_limit": "bad-burst-missing.yml",
}
"""For each section a file in which it alone is wrong."""


def read_expected(name: str) -> Any:  # noqa: ANN401 -- whatever a data file holds
    """Return the content of a data file, None if it is not YAML."""
    try:
        return read_yaml((DATA / name).read_bytes())
    except YamlError:
        return None


def comments(name: str, about: str, directory: Path) -> list[str]:
    """Return the values of the comments `about` in a data file."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(rf"# {about}: (.*)", line) for line in lines)
    return [
        line[1].replace("FILE", str(directory / name)).replace("DIR", str(directory))
        for line in found
        if line
    ]


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_file_is_rejected_with_the_errors_of_its_comment(name: str, directory: Path) -> None:
    """The error contains file, key, cause and remedy of each fault."""
    with pytest.raises(ConfigError) as refused:
        load(write_case(directory, name))

    assert comments(name, "refused", directory) == str(refused.value).splitlines()


@pytest.mark.parametrize("name", [name for name in BAD if isinstance(read_expected(name), dict)])
def test_errors_of_all_sections_are_reported(name: str, directory: Path) -> None:
    """The errors of all sections are reported at once."""
    others = [other for section, other in BAD_SECTIONS.items() if section not in read_expected(name)]
    file = write_case(directory, name)
    parts = [each.read_text(encoding="utf-8") for each in (file, *(DATA / other for other in others))]
    file.write_text("\n".join(parts), encoding="utf-8")
    faults = [
        fault.replace(other, name) for other in others for fault in comments(other, "refused", directory)
    ]

    with pytest.raises(ConfigError) as refused:
        load(file)

    assert sorted([*comments(name, "refused", directory), *faults]) == sorted(str(refused.value).splitlines())


@pytest.mark.parametrize("name", GOOD)
def test_a_valid_file_is_loaded_with_the_warnings_of_its_comment(name: str, directory: Path) -> None:
    """A valid file is loaded with the warnings of its comments."""
    warnings = load(write_case(directory, name)).warnings

    assert comments(name, "warns", directory) == [str(warning) for warning in warnings]
