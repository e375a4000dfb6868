"""Templates, their apps and parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

SIZE = 16
VARIANT = "89ab"


def uuids(random: Random, count: int) -> list[str]:
    """Draw `count` random UUIDs (version 4), as text."""
    digits = random.randbytes(SIZE * count).hex()
    return [_uuid(digits[at : at + 2 * SIZE]) for at in range(0, len(digits), 2 * SIZE)]


def _uuid(digits: str) -> str:
    variant = VARIANT[int(digits[16], 16) % len(VARIANT)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


MASK = 0xFFFFFFFF
Choice = Callable[[int], str]
"""From a well mixed number of 32 bits to a value."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values that a parameter offers."""

    name: str
    value: str
    description: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A parameter as templates declare it, and how people fill it in."""

    name: str
    display_name: str
    type: str
    description: str
    choice: Choice
    options: tuple[Option, ...] = ()


def mix(*numbers: int) -> int:
    """Mix numbers into 32 bits that look random and depend on all of them."""
    mixed = 0x9E3779B9
    for number in numbers:
        mixed = ((mixed ^ number) * 0x85EBCA6B) & MASK
        mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2AE35) & MASK
        mixed ^= mixed >> 16
    return mixed


def _one_of(*values: str) -> Choice:
    return lambda number: values[number % len(values)]


def _offered(*options: Option) -> Choice:
    # The first options are the popular ones.
    return lambda number: options[min(number % len(options), (number >> 8) % len(options))].value


def _repository(number: int) -> str:
    user = f"dev{number % 997}"
    if number % 3 == 0:
        return ""
    if number % 3 == 1:
        return f"https://git.example.com/{user}/dotfiles.git"
    return f"https://{user}:hunter{number % 9973}@git.example.com/{user}/dotfiles.git"


def _branch(number: int) -> str:
    if number % 4 == 0:
        return "main"
    return f"feature/TEAM-{number % 20011}-{'<fix>' if number % 7 == 0 else 'work'}"


REGIONS = (
    Option("Frankfurt", "eu-central", "Close to most of us", "/emojis/1f1e9-1f1ea.png"),
    Option("Virginia", "us-east", "", "/emojis/1f1fa-1f1f8.png"),
    Option("Mumbai", "ap-south", "", "/emojis/1f1ee-1f1f3.png"),
)
SIZES = (Option("Small", "2"), Option("Medium", "4"), Option("Large", "8"), Option("Huge", "16", "Ask first"))
IMAGES = (Option("Ubuntu 24.04", "ubuntu:24.04"), Option("Debian 13", "debian:13"))
IDES = ('["vscode"]', '["vscode","idea"]', "[]")
GREETINGS = ("", "", 'say "hi"', "back\\slash", "zwei\nZeilen")
NEAR = REGIONS[:2]

DEFINITIONS = (
    Definition("region", "Region", "string", "Where the workspace runs", _offered(*REGIONS), REGIONS),
    Definition("region", "Region", "string", "The zone of the cluster", _offered(*NEAR), NEAR),
    Definition("cpu", "CPU cores", "number", "Cores of the workspace", _offered(*SIZES), SIZES),
    Definition("disk_gb", "Disk", "number", "Gigabytes", lambda number: str(20 + 10 * (number % 25))),
    Definition("gpu", "GPU", "bool", "Whether a GPU is attached", _one_of("false", "false", "false", "true")),
    Definition("ides", "IDEs", "list(string)", "What to install", _one_of(*IDES)),
    Definition("dotfiles_uri", "Dotfiles", "string", "A git repository, may be empty", _repository),
    Definition("api_token", "API token", "string", "Of the mirror", lambda number: f"tok-{number:08x}"),
    Definition("contact", "", "string", "", lambda number: f"dev{number % 4001}@example.com"),
    Definition("branch", "Branch", "string", "What to check out", _branch),
    Definition("image", "Base image", "string", "Container image", _offered(*IMAGES), IMAGES),
    Definition("motd", "Greeting", "string", "Shown at login", _one_of(*GREETINGS)),
)


def describe(definition: Definition) -> Mapping[str, object]:
    """Give the options as the API does, nothing where there are none."""
    options = [
        {"name": each.name, "description": each.description, "value": each.value, "icon": each.icon}
        for each in definition.options
    ]
    return {"options": options} if options else {}


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
