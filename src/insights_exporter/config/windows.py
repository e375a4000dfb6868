"""Named spans of whole days that reports cover."""

import re
from typing import Annotated

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from insights_exporter.config.durations import Seconds
from insights_exporter.config.model import Model
from insights_exporter.config.problems import Wrong
from insights_exporter.config.values import Flag, Label, Whole

_SHORT = re.compile(r"([1-9][0-9]{0,3})d")


def days_of(name: str) -> int | None:
    """Give the days that a window's name tells by itself: `today` 1, `30d` 30."""
    found = _SHORT.fullmatch(name)
    return 1 if name == "today" else int(found[1]) if found else None


class Window(Model):
    """A named span of whole days that a report covers."""

    name: Label
    """The value of the label `window`."""
    days: Annotated[Whole, Field(ge=1, le=3660, examples=[14])]
    """How many calendar days of the deployment's time zone. May be left out where the name says it (`today`,
    `14d`)."""
    include_today: Flag = True
    """Whether the running day counts, up to the next full hour. `false`: whole days ending at the last
    midnight."""
    every: Seconds | None = None
    """How often the datasets that have windows are polled for this one; wins over the dataset's own. Default
    by the days: 1 day 5m, up to 7 days 15m, longer 1h."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll; wins over the dataset's and the deployment's."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if isinstance(value, str):
            if days_of(value) is None:
                remedy = "write today, a number of days as 7d, or a map with name and days"
                raise Wrong("is not a window", remedy)
            value = {"name": value}
        if isinstance(value, dict) and "days" not in value and isinstance(value.get("name"), str):
            days = days_of(value["name"])
            return value if days is None else {**value, "days": days}
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow the short form, and no days where the name says them."""
        long_form = handler.resolve_ref_schema(handler(core_schema))
        long_form["required"] = ["name"]
        short_form = {"type": "string", "pattern": rf"^(today|{_SHORT.pattern})$"}
        return {"anyOf": [short_form, long_form]}


DEFAULT_WINDOWS = tuple(Window(name=name, days=days) for name, days in (("today", 1), ("7d", 7), ("30d", 30)))
"""What is polled where nothing else is set."""
