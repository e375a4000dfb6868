"""An embedded Coder with sample data, for the demo and for tests."""

from insights_exporter.demo.auth import ROLES
from insights_exporter.demo.embedded_coder import (
    DEMO_TOKEN,
    Certificate,
    EmbeddedCoder,
    HTTPResponse,
    RequestLogEntry,
)
from insights_exporter.demo.error_responses import Refused
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serve, serving
from insights_exporter.demo.validation import ParsedQuery, check
from insights_exporter.demo.versions import SERVER_VERSIONS

__all__ = [
    "DEMO_TOKEN",
    "FAULTS",
    "ROLES",
    "SERVER_VERSIONS",
    "Certificate",
    "EmbeddedCoder",
    "HTTPResponse",
    "ParsedQuery",
    "Population",
    "Refused",
    "RequestLogEntry",
    "check",
    "serve",
    "serving",
]
