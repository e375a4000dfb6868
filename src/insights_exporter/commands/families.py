"""All families of the page, in its order."""

from insights_exporter.datasets.server_facts import TOKEN_FAMILIES
from insights_exporter.datasets.table import FAMILIES
from insights_exporter.polling.health_families import HEALTH_FAMILIES

PAGE_FAMILIES = (*FAMILIES, *TOKEN_FAMILIES, *HEALTH_FAMILIES)
