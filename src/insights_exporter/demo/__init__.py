"""An embedded Coder with sample data, for the demo and for tests."""

from insights_exporter.demo.embedded_coder import (
    DEMO_TOKEN,
    Certificate,
    EmbeddedCoder,
    HTTPResponse,
)
from insights_exporter.demo.error_responses import Refused
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serve, serving
from insights_exporter.demo.validation import validate_query
from insights_exporter.demo.versions import SERVER_VERSIONS

__all__ = [
    "DEMO_TOKEN",
    "FAULTS",
    "SERVER_VERSIONS",
    "Certificate",
    "EmbeddedCoder",
    "HTTPResponse",
    "Population",
    "Refused",
    "serve",
    "serving",
    "validate_query",
]
