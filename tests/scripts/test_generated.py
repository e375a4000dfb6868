"""Generated files: written, compared, and up to date in the repository."""

from pathlib import Path

from scripts import generated, metrics_docs


def test_committed_files_are_up_to_date() -> None:
    """What is committed is what `make docs` would write."""
    assert [] == generated.outdated(generated.wanted())


def test_missing_and_differing_files_are_outdated(tmp_path: Path) -> None:
    """Missing and differing files are listed."""
    generated.write({"same.md": "text", "deep/other.md": "old"}, tmp_path)

    assert ["deep/other.md", "missing.md"] == generated.outdated(
        {"same.md": "text", "deep/other.md": "new", "missing.md": "new"}, tmp_path
    )


def test_every_declared_family_has_a_section() -> None:
    """A family that some module declares is documented under its name."""
    text = metrics_docs.render()[metrics_docs.PATH]

    assert [] == [
        family.name for family in metrics_docs.declared_families() if f"### `{family.name}`\n" not in text
    ]
