"""Logging: logfmt or JSON lines on standard error."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

LogLevel = Literal["debug", "info", "warn", "warning", "error"]
LogFormat = Literal["logfmt", "json"]

_FIRST = ("ts", "level", "msg")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\n"}
_SILENCED = ("httpx", "httpcore", "apscheduler", "uvicorn", "asyncio")
"""Libraries whose messages repeat those of the exporter, and may contain URLs."""


def configure(level: LogLevel, format_: LogFormat, stream: TextIO | None = None) -> None:
    """Log messages of `level` or above to `stream`, standard error by default."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.EventRenamer("msg"),
        _escape_controls,
    ]
    renderers: dict[LogFormat, Processor] = {
        "logfmt": structlog.processors.LogfmtRenderer(
            key_order=_FIRST, drop_missing=True, bool_as_flag=False
        ),
        "json": structlog.processors.JSONRenderer(ensure_ascii=False),
    }
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderers[format_],
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _escape_controls(_: object, __: str, line: EventDict) -> EventDict:
    """Escape control characters, with which a server could change what a terminal shows."""
    texts = {key: value.translate(_CONTROLS) for key, value in line.items() if isinstance(value, str)}
    return {**line, **texts}


def describe_exception(error: Exception) -> str:
    """Return what went wrong where, without the data that an error's own text may hold."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"unexpected {type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"
