"""The list of templates, from servers of all ages: one of all, or one an organization."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import NamedTuple, Protocol, TypeVar

from insights_exporter.datasets import server_facts
from insights_exporter.datasets.dataset import Template

T = TypeVar("T")


class Read(Protocol):
    """Asks a path and reads the answer."""

    async def __call__(self, path: str, read: Callable[[bytes], T], /) -> T | None:
        """Give None where there is nothing to be had; what else goes wrong may be raised."""


class Listing(NamedTuple):
    """The templates by id, None where no list can be had; `whole` if nothing was kept from us."""

    templates: Mapping[str, Template] | None
    whole: bool


async def list_templates(read: Read, known: Mapping[str, Template]) -> Listing:
    """Ask for all templates; those of an organization that cannot be asked stay as they are `known`."""
    listed = await read("/templates", server_facts.read_templates)
    if listed is None:
        return await _by_organization(read, known)
    missing = server_facts.organizations_needed(listed.value)
    organizations = await read("/organizations", server_facts.read_organizations) if missing else {}
    templates = server_facts.templates_by_id(listed.value, organizations or {})
    return Listing(templates, whole=organizations is not None)


async def _by_organization(read: Read, known: Mapping[str, Template]) -> Listing:
    """Ask each organization for its templates, as servers want it that have no list of all."""
    organizations = await read("/organizations", server_facts.read_organizations) or {}
    lists = [
        await read(f"/organizations/{organization}/templates", server_facts.read_templates)
        for organization in organizations
    ]
    answered = [each for each in lists if each is not None]
    if not answered:
        return Listing(None, whole=False)
    whole = len(answered) == len(lists)
    listed = chain.from_iterable(each.value for each in answered)
    fallback = {} if whole else dict(known)
    return Listing(fallback | server_facts.templates_by_id(listed, organizations), whole)
