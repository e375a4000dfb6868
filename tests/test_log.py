"""Log lines in both formats."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.log import LogFormat, LogLevel, configure, describe_exception


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def log_line(format_: LogFormat, level: LogLevel = "info", **values: object) -> str:
    """Return what one line of information becomes."""
    stream = io.StringIO()
    configure(level, format_, stream)
    structlog.stdlib.get_logger("insights_exporter").bind(deployment="prod").info("poll failed", **values)
    return stream.getvalue()


def test_logfmt() -> None:
    """A logfmt line begins with time, level and message; values with spaces are quoted."""
    line = log_line("logfmt", reason="timeout", err="no response")

    assert line.startswith("ts=2")
    assert line.endswith(' level=info msg="poll failed" deployment=prod reason=timeout err="no response"\n')


def test_json() -> None:
    """A JSON line has the same keys."""
    line = json.loads(log_line("json", reason="timeout"))

    assert line.pop("ts")
    assert line == {"level": "info", "msg": "poll failed", "deployment": "prod", "reason": "timeout"}


def test_level() -> None:
    """Lines below the level are not written."""
    assert log_line("logfmt", level="warning", reason="timeout") == ""


@pytest.mark.parametrize("format_", ["logfmt", "json"])
@given(text=st.text())
def test_any_text_is_one_line(format_: LogFormat, text: str) -> None:
    """No text breaks a line in two, or controls a terminal."""
    line = log_line(format_, err=text)

    assert line.endswith("\n")
    assert all(character.isprintable() or ord(character) >= 0xA0 for character in line[:-1])


@pytest.mark.parametrize(
    "name", ["httpx", "httpcore.http11", "apscheduler.scheduler", "uvicorn.error", "asyncio"]
)
def test_libraries_are_silent(name: str) -> None:
    """Libraries log nothing at any level: their lines may contain headers."""
    stream = io.StringIO()
    configure("debug", "logfmt", stream)

    logging.getLogger(name).error("Coder-Session-Token: secret")

    assert stream.getvalue() == ""


def test_exception_is_described_by_type_and_line_without_data() -> None:
    """An unexpected error is named by its type and line: its own text may contain names of users."""

    def crash() -> None:
        raise KeyError("alice")

    try:
        crash()
    except KeyError as error:
        message = describe_exception(error)

    assert message.startswith("unexpected KeyError in crash (test_log.py:")
    assert "alice" not in message
