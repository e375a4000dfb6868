"""Values of the chart: read with their comments, listed in the README, checked by the schema."""

import pytest

from scripts.chart_readme import tables
from scripts.chart_schema import schema
from scripts.chart_values import Value, read

TEXT = """\
# @section Pods

image:
  # -- Where it is from, | or not.
  # @schema {enum: [a, b]}
  registry: a

# @section Others

# -- A list
# over two lines.
# @schema {items: {type: string}}
list: []
# -- Nothing yet.
# @schema {type: [integer, "null"]}
limit: null
"""


def test_values_are_read_with_their_comments() -> None:
    """Description, schema, section and default belong to the value below them."""
    values = read(TEXT)

    assert ["image", "list", "limit"] == list(values)
    assert (
        Value(
            path="image.registry",
            default="a",
            section="Pods",
            about="Where it is from, | or not.",
            schema={"enum": ["a", "b"]},
            children={},
        )
        == values["image"].children["registry"]
    )
    assert ("A list over two lines.", "Others") == (values["list"].about, values["list"].section)


def test_leaves_are_in_the_order_of_the_file() -> None:
    """A branch yields its children, a leaf itself."""
    assert ["image.registry", "list", "limit"] == [
        leaf.path for value in read(TEXT).values() for leaf in value.leaves()
    ]


def test_a_value_without_description_is_refused() -> None:
    """The error names the line and what to write."""
    with pytest.raises(
        ValueError, match=r"^values.yaml:2: a.b has no description; write `# -- ...` above it$"
    ):
        read("a:\n  b: 1\n")


def test_a_value_of_unknown_type_is_refused() -> None:
    """Null has no type."""
    with pytest.raises(ValueError, match=r"^values.yaml: a is null, so its type is not known"):
        schema(read("# -- About.\na: null\n"))


def test_the_schema_takes_types_from_defaults_and_comments() -> None:
    """The type is that of the default; the comment can extend or replace it."""
    properties = schema(read(TEXT))["properties"]

    assert {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "registry": {
                "description": "Where it is from, | or not.",
                "type": "string",
                "enum": ["a", "b"],
                "default": "a",
            }
        },
    } == properties["image"]
    assert ("array", {"type": "string"}) == (properties["list"]["type"], properties["list"]["items"])
    assert ["integer", "null"] == properties["limit"]["type"]


def test_the_readme_has_a_table_a_section() -> None:
    """Each value has a row with its meaning and default, for any characters."""
    assert (
        "### Pods\n"
        "\n"
        "| value | meaning | default |\n"
        "|---|---|---|\n"
        '| `image.registry` | Where it is from, \\| or not. | `"a"` |\n'
        "\n"
        "### Others\n"
        "\n"
        "| value | meaning | default |\n"
        "|---|---|---|\n"
        "| `list` | A list over two lines. | `[]` |\n"
        "| `limit` | Nothing yet. | `null` |\n"
    ) == tables(read(TEXT))
