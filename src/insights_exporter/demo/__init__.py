"""An embedded Coder with a made-up population: the demo, and the tests' peer."""

from insights_exporter.demo.access import ROLES
from insights_exporter.demo.coder import DEMO_TOKEN, Answer, EmbeddedCoder, Seen
from insights_exporter.demo.failing import Certificate
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.generations import GENERATIONS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.published import check_published
from insights_exporter.demo.refusals import Refusal
from insights_exporter.demo.rules import Accepted, check
from insights_exporter.demo.server import serve, serving

__all__ = [
    "DEMO_TOKEN",
    "FAULTS",
    "GENERATIONS",
    "ROLES",
    "Accepted",
    "Answer",
    "Certificate",
    "EmbeddedCoder",
    "Population",
    "Refusal",
    "Seen",
    "check",
    "check_published",
    "serve",
    "serving",
]
