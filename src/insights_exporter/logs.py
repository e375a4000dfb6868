"""Logging: logfmt or JSON lines on standard error."""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import Processor

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["logfmt", "json"]

_FIRST = ("ts", "level", "msg")
# Their lines tell nothing that the exporter does not tell itself, and may hold addresses of requests.
_SILENCED = ("httpx", "httpcore", "apscheduler", "uvicorn", "asyncio")


def configure(level: Level, form: Format, stream: TextIO | None = None) -> None:
    """Write all log lines from `level` on to `stream`, standard error by default."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.EventRenamer("msg"),
    ]
    renderers: dict[Format, Processor] = {
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
                renderers[form],
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
