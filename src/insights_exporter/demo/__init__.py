"""An embedded Coder with sample data, for the demo and for tests."""

from insights_exporter.demo.context import SERVER_VERSIONS
from insights_exporter.demo.embedded_coder import DEMO_TOKEN, EmbeddedCoder
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import Certificate, serve

__all__ = ["DEMO_TOKEN", "FAULTS", "SERVER_VERSIONS", "Certificate", "EmbeddedCoder", "Population", "serve"]
