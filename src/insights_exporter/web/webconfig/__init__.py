"""The web config file that exporters share: TLS, client certificates, users, headers, a rate limit.

`LiveConfig(path)` reads it and follows its changes, `Guard(app, live)` is
the application behind its limit and users, and `listening_context(live)` is
what the server listens with.
"""

from insights_exporter.web.webconfig.auth import BasicAuthMiddleware
from insights_exporter.web.webconfig.loader import (
    RELOAD_FAILURES,
    ReloadingConfig,
    WebConfig,
    WebConfigError,
    listening_context,
    load_web_config,
    web_config_samples,
)

__all__ = [
    "RELOAD_FAILURES",
    "BasicAuthMiddleware",
    "ReloadingConfig",
    "WebConfig",
    "WebConfigError",
    "listening_context",
    "load_web_config",
    "web_config_samples",
]
