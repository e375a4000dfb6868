"""The web config file of exporter-toolkit: TLS, client certificates, users, headers, a rate limit."""

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
