"""A web config file is read as exporters read it, or refused with all that is wrong."""

import re
from pathlib import Path
from typing import Any

import pytest

from insights_exporter.config.strict_yaml import YamlError, read_yaml
from insights_exporter.web.webconfig import WebConfigError, load_web_config
from tests.web.webconfig.certificates import DATA, write_case

BAD = sorted(path.name for path in DATA.glob("bad-*.yml"))
GOOD = sorted(path.name for path in DATA.glob("good-*.yml"))


BAD_SECTIONS = {
    "tls_server_config": "bad-key-is-anothers.yml",
    "http_server_config": "bad-header-frame-options.yml",
    "basic_auth_users": "bad-password-in-clear.yml",
    "rate_limit": "bad-burst-missing.yml",
}
"""For each section a file in which it alone is wrong."""


def written(name: str) -> Any:  # noqa: ANN401 -- whatever a data file holds
    """Return what a data file says; None for one that is not YAML."""
    try:
        return read_yaml((DATA / name).read_bytes())
    except YamlError:
        return None


def said(name: str, about: str, directory: Path) -> list[str]:
    """Give what the comments of a data file say `about` it."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(rf"# {about}: (.*)", line) for line in lines)
    return [
        line[1].replace("FILE", str(directory / name)).replace("DIR", str(directory))
        for line in found
        if line
    ]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_the_words_of_its_comment(name: str, directory: Path) -> None:
    """The error names file, key, what is wrong and what would be right, for each fault."""
    with pytest.raises(WebConfigError) as refused:
        load_web_config(write_case(directory, name))

    assert said(name, "refused", directory) == str(refused.value).splitlines()


@pytest.mark.parametrize("name", [name for name in BAD if isinstance(written(name), dict)])
def test_a_bad_section_hides_no_other(name: str, directory: Path) -> None:
    """With a bad value in each section that a bad file lacks, all faults are reported."""
    others = [other for section, other in BAD_SECTIONS.items() if section not in written(name)]
    file = write_case(directory, name)
    parts = [each.read_text(encoding="utf-8") for each in (file, *(DATA / other for other in others))]
    file.write_text("\n".join(parts), encoding="utf-8")
    faults = [fault.replace(other, name) for other in others for fault in said(other, "refused", directory)]

    with pytest.raises(WebConfigError) as refused:
        load_web_config(file)

    assert sorted([*said(name, "refused", directory), *faults]) == sorted(str(refused.value).splitlines())


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_taken_with_the_warnings_of_its_comment(name: str, directory: Path) -> None:
    """What has no effect, or another one than elsewhere, is warned about by name."""
    warnings = load_web_config(write_case(directory, name)).warnings

    assert said(name, "warns", directory) == [str(warning) for warning in warnings]
