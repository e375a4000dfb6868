"""A settings file to begin with."""

from importlib.resources import files


def example() -> str:
    """Give a commented file in which every key stands."""
    return files("insights_exporter.config").joinpath("example.yml").read_text(encoding="utf-8")
