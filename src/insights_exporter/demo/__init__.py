"""An embedded Coder with a made-up population: the demo, and the tests' peer."""

from insights_exporter.demo.auth import ROLES
from insights_exporter.demo.embedded_coder import DEMO_TOKEN, Answer, EmbeddedCoder, Seen
from insights_exporter.demo.error_responses import Refusal
from insights_exporter.demo.faults import FAULTS, Certificate
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serve, serving
from insights_exporter.demo.validation import Accepted, check, check_published
from insights_exporter.demo.versions import GENERATIONS

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
