"""A web config file is read as exporters read it, or refused with all that is wrong."""

import re
from pathlib import Path

import pytest

from insights_exporter.web.webconfig import WebConfigError, load
from tests.web.webconfig.certificates import DATA, write_case

BAD = sorted(path.name for path in DATA.glob("bad-*.yml"))
GOOD = sorted(path.name for path in DATA.glob("good-*.yml"))


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
        load(write_case(directory, name))

    assert said(name, "refused", directory) == str(refused.value).splitlines()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_taken_with_the_warnings_of_its_comment(name: str, directory: Path) -> None:
    """What has no effect, or another one than elsewhere, is warned about by name."""
    warnings = load(write_case(directory, name)).warnings

    assert said(name, "warns", directory) == [str(warning) for warning in warnings]
