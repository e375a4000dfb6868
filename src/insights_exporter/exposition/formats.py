"""The two exposition formats."""

from collections.abc import Mapping
from enum import StrEnum


class Format(StrEnum):
    """An exposition format that Prometheus reads."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


CONTENT_TYPES: Mapping[Format, str] = {
    Format.TEXT: "text/plain; version=0.0.4; charset=utf-8",
    Format.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}

ENDINGS: Mapping[Format, bytes] = {Format.TEXT: b"", Format.OPENMETRICS: b"# EOF\n"}
"""What must end an answer."""
