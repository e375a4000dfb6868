"""What a dataset is: what is asked, and what the answers become.

All in here is pure: no clock, no network, no settings read from anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from insights_exporter.config.settings import Deployment, Window
from insights_exporter.datasets.spans import Span
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Samples


@dataclass(frozen=True, slots=True)
class Question:
    """One request to Coder.

    `span` is spelled as the server's query dialect wants it. `extra` are
    parameters that only the real server knows; a question with
    `needs_extra` cannot be asked in the published dialect.
    `subject` tells the answers of one poll apart (`today`, a template's id).
    """

    path: str
    span: Span | None = None
    subject: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    needs_extra: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What Coder said to a question: the body of a 200, not yet decoded."""

    question: Question
    body: bytes


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Coder lists it."""

    template_id: str
    name: str
    organization: str
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What a dataset may know when it asks and when it converts.

    `now` is the server's clock, aware, in the deployment's time zone.
    `templates` are those that Coder lists, by id; `in_use` the ids named by
    the newest `templates` answers (empty before the first).
    """

    deployment: Deployment
    window: Window | None
    now: datetime
    templates: Mapping[str, Template] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the answers of one poll became.

    `folded` counts source series that a limit folded or dropped,
    `invalid` rows that could not be understood.
    """

    samples: tuple[Samples, ...]
    folded: int = 0
    invalid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One kind of request: what it asks, what it becomes, how often.

    `every` maps a window's days to the default interval in seconds.
    """

    name: str
    families: tuple[Family, ...]
    windows: Callable[[Deployment], Sequence[Window | None]]
    questions: Callable[[View], Sequence[Question]]
    convert: Callable[[View, Sequence[Answer]], Conversion]
