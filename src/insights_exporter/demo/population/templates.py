"""Templates, their apps and parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple
from uuid import UUID


def draw_uuids(random: Random, count: int) -> list[str]:
    """Return `count` random UUIDs (version 4), as text."""
    return [str(UUID(bytes=random.randbytes(16), version=4)) for _ in range(count)]


MASK = 0xFFFFFFFF
ValueChooser = Callable[[int], str]
"""Returns a value for a pseudorandom number of 32 bits."""


@dataclass(frozen=True, slots=True)
class ParameterOption:
    """One of the values that a parameter offers, as in the API."""

    name: str
    description: str
    value: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class SampleParameter:
    """A parameter as templates declare it, and how users choose its value."""

    name: str
    display_name: str
    type: str
    description: str
    choose: ValueChooser
    options: tuple[ParameterOption, ...] = ()


def mix(*numbers: int) -> int:
    """Return 32 pseudorandom bits that depend on all of the numbers."""
    mixed = 0x9E3779B9
    for number in numbers:
        mixed = ((mixed ^ number) * 0x85EBCA6B) & MASK
        mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2AE35) & MASK
        mixed ^= mixed >> 16
    return mixed


def _pick_from(*values: str) -> ValueChooser:
    return lambda number: values[number % len(values)]


def _pick_option(*options: ParameterOption) -> ValueChooser:
    # The first options are the popular ones.
    return lambda number: options[min(number % len(options), (number >> 8) % len(options))].value


def _pick_repository(number: int) -> str:
    user = f"dev{number % 997}"
    if number % 3 == 0:
        return ""
    if number % 3 == 1:
        return f"https://git.example.com/{user}/dotfiles.git"
    return f"https://{user}:hunter{number % 9973}@git.example.com/{user}/dotfiles.git"


def _pick_branch(number: int) -> str:
    if number % 4 == 0:
        return "main"
    return f"feature/TEAM-{number % 20011}-{'<fix>' if number % 7 == 0 else 'work'}"


REGIONS = (
    ParameterOption("Frankfurt", "Close to most of us", "eu-central", "/emojis/1f1e9-1f1ea.png"),
    ParameterOption("Virginia", "", "us-east", "/emojis/1f1fa-1f1f8.png"),
    ParameterOption("Mumbai", "", "ap-south", "/emojis/1f1ee-1f1f3.png"),
)
SIZES = (
    ParameterOption("Small", "", "2"),
    ParameterOption("Medium", "", "4"),
    ParameterOption("Large", "", "8"),
    ParameterOption("Huge", "Ask first", "16"),
)
IMAGES = (ParameterOption("Ubuntu 24.04", "", "ubuntu:24.04"), ParameterOption("Debian 13", "", "debian:13"))
IDES = ('["vscode"]', '["vscode","idea"]', "[]")
GREETINGS = ("", "", 'say "hi"', "back\\slash", "zwei\nZeilen")
NEAR = REGIONS[:2]

PARAMETERS = (
    SampleParameter(
        "region", "Region", "string", "Where the workspace runs", _pick_option(*REGIONS), REGIONS
    ),
    SampleParameter("region", "Region", "string", "The zone of the cluster", _pick_option(*NEAR), NEAR),
    SampleParameter("cpu", "CPU cores", "number", "Cores of the workspace", _pick_option(*SIZES), SIZES),
    SampleParameter("disk_gb", "Disk", "number", "Gigabytes", lambda number: str(20 + 10 * (number % 25))),
    SampleParameter(
        "gpu", "GPU", "bool", "Whether a GPU is attached", _pick_from("false", "false", "false", "true")
    ),
    SampleParameter("ides", "IDEs", "list(string)", "What to install", _pick_from(*IDES)),
    SampleParameter("dotfiles_uri", "Dotfiles", "string", "A git repository, may be empty", _pick_repository),
    SampleParameter("api_token", "API token", "string", "Of the mirror", lambda number: f"tok-{number:08x}"),
    SampleParameter("contact", "", "string", "", lambda number: f"dev{number % 4001}@example.com"),
    SampleParameter("branch", "Branch", "string", "What to check out", _pick_branch),
    SampleParameter("image", "Base image", "string", "Container image", _pick_option(*IMAGES), IMAGES),
    SampleParameter("motd", "Greeting", "string", "Shown at login", _pick_from(*GREETINGS)),
)


NAMES = (
    "kubernetes",
    "docker",
    "docker",  # in the other organization: names are unique in an organization only
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


class SampleApp(NamedTuple):
    """An app that connects to workspaces, or one of a template."""

    slug: str
    name: str
    icon: str
    family: str = "workspace_app"


CUSTOM_APPS = (
    SampleApp("code-server", "code-server", "/icon/code.svg"),
    SampleApp("filebrowser", "File Browser", "/icon/folder.svg"),
    SampleApp("code-server", "code-server", "/emojis/1f4bb.png"),
    SampleApp("ssh", "SSH Gateway", "/icon/terminal.svg"),
    SampleApp("jupyter", "JupyterLab", "/icon/jupyter.svg"),
    SampleApp("rstudio", "RStudio", ""),
    SampleApp("dashboard", 'Grafana <dev> & "prod"', "/icon/grafana.svg"),
    SampleApp("code-server", "VS Code in the browser", "/icon/code.svg"),
)
"""The apps that templates declare."""
SESSION_APPS = (
    SampleApp("vscode", "VS Code", "/icon/code.svg", "vscode"),
    SampleApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SampleApp("reconnecting_pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SampleApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SampleApp("cursor", "Cursor", "/icon/cursor.svg", "vscode"),
    SampleApp("windsurf", "Windsurf", "/icon/windsurf.svg", "vscode"),
    SampleApp("code_server", "code-server", "/icon/code.svg", "vscode"),
    SampleApp("zed", "Zed", "/icon/zed.svg", "ssh"),
    SampleApp("our_editor", "our_editor", "", "unknown"),
    SampleApp("unknown", "unknown", "", "unknown"),
    SampleApp("overflow", "overflow", "", "unknown"),
)
"""The apps with which clients connect, as servers name them that list each; classic servers list families."""
APPS = (*SESSION_APPS, *CUSTOM_APPS)
APP_SETS = ((0, 1), (2, 3, 4), (7, 5), (0, 6, 3), (4, 1), (), (2, 4, 6), (5,), (3, 0))
"""The apps of one template by slot; slugs are unique in a template only."""


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization."""

    id: str
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class SampleTemplate:
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
    """Organizations and templates; the last template is a deleted one."""

    organizations: tuple[Organization, ...]
    templates: tuple[SampleTemplate, ...]


def make_catalog(random: Random, templates: int) -> Catalog:
    """Return two organizations, `templates` templates and a deleted one."""
    ids = iter(draw_uuids(random, templates + 3))
    organizations = (
        Organization(next(ids), "coder", "Coder"),
        Organization(next(ids), "research", "Research & Development"),
    )
    made = []
    for index in range(templates):
        name = NAMES[index % len(NAMES)]
        name += f"-{index // len(NAMES) + 1}" if index >= len(NAMES) else ""
        template = SampleTemplate(
            id=next(ids),
            name=name,
            organization=organizations[index % 3 == OTHER_ORGANIZATION],
            apps=APP_SETS[index % len(APP_SETS)],
            parameters=_select_parameters(index),
            weight=0.0 if name == UNUSED else 1.0 / (1 + index) ** 0.7,
            deprecated=name == DEPRECATED,
        )
        made.append(template)
    retired = SampleTemplate(
        next(ids), RETIRED, organizations[0], APP_SETS[1], _select_parameters(1), 0.05, deleted=True
    )
    return Catalog(organizations, (*made, retired))


def _select_parameters(template: int) -> tuple[int, ...]:
    return tuple(index for index in range(len(PARAMETERS)) if (index + template) % 3 != 2)
