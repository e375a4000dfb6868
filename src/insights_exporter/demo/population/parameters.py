"""Template parameters: what they are called, and what people choose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
