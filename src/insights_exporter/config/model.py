"""What all parts of the file have in common."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the file: unknown keys are errors, values do not change.

    The text under an attribute is its description in docs and schema, which
    `descriptions` takes from the source: pydantic would do so at each start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
