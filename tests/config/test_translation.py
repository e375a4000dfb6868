"""What pydantic refuses, in words that help."""

from typing import Annotated

from pydantic import Field

from insights_exporter.config.errors import validate_model
from insights_exporter.config.models import Model


class Pairs(Model):
    """A rule that has no words of its own."""

    shoes: Annotated[int, Field(multiple_of=2)]


def test_rule_without_words_speaks_for_itself() -> None:
    """A new kind of rule is told in pydantic's words until it has better ones."""
    assert [(("shoes",), "Input should be a multiple of 2", "")] == list(validate_model(Pairs, {"shoes": 3}))


def test_nothing_wrong_is_nothing_told() -> None:
    """Right values pass in silence."""
    assert [] == list(validate_model(Pairs, {"shoes": 4}))
