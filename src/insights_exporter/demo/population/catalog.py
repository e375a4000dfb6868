"""What can be used: organizations, templates, their own apps and session apps."""

from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from insights_exporter.demo.population.identifiers import uuids
from insights_exporter.demo.population.parameters import DEFINITIONS

NAMES = (
    "kubernetes",
    "docker",
    "docker",  # in the other organization: a name says nothing without it
    "java-backend",
    "data-science",
    "aws-windows",
    "gpu-training",
    "sandbox",
    "frontend",
)
OTHER_ORGANIZATION = 2
UNUSED = "sandbox"
DEPRECATED = "aws-windows"
RETIRED = "legacy-vm"


@dataclass(frozen=True, slots=True)
class App:
    """A custom app as templates declare it."""

    slug: str
    name: str
    icon: str


@dataclass(frozen=True, slots=True)
class SessionApp:
    """An app that connects to workspaces; one of no known family has the family `unknown`."""

    slug: str
    name: str
    icon: str
    family: str


APPS = (
    App("code-server", "code-server", "/icon/code.svg"),
    App("filebrowser", "File Browser", "/icon/folder.svg"),
    App("code-server", "code-server", "/emojis/1f4bb.png"),
    App("ssh", "SSH Gateway", "/icon/terminal.svg"),
    App("jupyter", "JupyterLab", "/icon/jupyter.svg"),
    App("rstudio", "RStudio", ""),
    App("dashboard", 'Grafana <dev> & "prod"', "/icon/grafana.svg"),
    App("code-server", "VS Code in the browser", "/icon/code.svg"),
)
UNKNOWN_FAMILY = "unknown"
SESSION_APPS = (
    SessionApp("vscode", "VS Code", "/icon/code.svg", "vscode"),
    SessionApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SessionApp("reconnecting_pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SessionApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SessionApp("cursor", "Cursor", "/icon/cursor.svg", "vscode"),
    SessionApp("windsurf", "Windsurf", "/icon/windsurf.svg", "vscode"),
    SessionApp("code_server", "code-server", "/icon/code.svg", "vscode"),
    SessionApp("zed", "Zed", "/icon/zed.svg", "ssh"),
    SessionApp("our_editor", "our_editor", "", UNKNOWN_FAMILY),
    SessionApp("unknown", "unknown", "", UNKNOWN_FAMILY),
    SessionApp("overflow", "overflow", "", UNKNOWN_FAMILY),
)
"""What clients connect with, in the spelling of servers that list each; classic servers add up families."""
SESSION_APP_INDEXES = MappingProxyType({app.slug: at for at, app in enumerate(SESSION_APPS)})
# The apps of one template, in its slots; slugs are unique in a template only.
APP_SETS = ((0, 1), (2, 3, 4), (7, 5), (0, 6, 3), (4, 1), (), (2, 4, 6), (5,), (3, 0))


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization."""

    id: str
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template; `apps` and `parameters` are indexes, `weight` its share of the workspaces."""

    id: str
    name: str
    organization: Organization
    apps: tuple[int, ...]
    parameters: tuple[int, ...]
    weight: float
    deprecated: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """All there is to use; the last template is one that was deleted."""

    organizations: tuple[Organization, ...]
    templates: tuple[Template, ...]


def make_catalog(random: Random, templates: int) -> Catalog:
    """Make two organizations and `templates` templates, and a deleted one beyond them."""
    ids = iter(uuids(random, templates + 3))
    organizations = (
        Organization(next(ids), "coder", "Coder"),
        Organization(next(ids), "research", "Research & Development"),
    )
    made = [_template(next(ids), at, organizations) for at in range(templates)]
    retired = Template(next(ids), RETIRED, organizations[0], _apps(1), _parameters(1), 0.05, deleted=True)
    return Catalog(organizations, (*made, retired))


def _template(identifier: str, at: int, organizations: tuple[Organization, ...]) -> Template:
    name = _name(at)
    home = organizations[at % 3 == OTHER_ORGANIZATION]
    weight = 0.0 if name == UNUSED else 1.0 / (1 + at) ** 0.7
    return Template(identifier, name, home, _apps(at), _parameters(at), weight, deprecated=name == DEPRECATED)


def _name(at: int) -> str:
    return NAMES[at] if at < len(NAMES) else f"{NAMES[at % len(NAMES)]}-{at // len(NAMES) + 1}"


def _apps(at: int) -> tuple[int, ...]:
    return APP_SETS[at % len(APP_SETS)]


def _parameters(at: int) -> tuple[int, ...]:
    return tuple(index for index in range(len(DEFINITIONS)) if (index + at) % 3 != 2)
