"""YAML with the scalars of YAML 1.2 (no dates, no `yes`, no `1:30`), unique keys, and bounded size.

An editor that checks a file against the JSON Schema reads the same values as the exporter.
"""

import re
from typing import Any, ClassVar

import yaml

from insights_exporter.config.errors import InvalidValue, safe_key

MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 24
_MAX_COST = 20_000_000
_COST_PER_VALUE = 20
_LONG_QUOTE = re.compile("'[^']{3,}'")
_TAG = "tag:yaml.org,2002:"


class YamlError(InvalidValue):
    """A text that is not valid YAML; `place` is the line and column, if known."""

    def __init__(self, place: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.place = place


def read_yaml(raw: bytes) -> object:
    """Return the data of `raw`, one YAML document in UTF-8.

    Raises:
        YamlError: It is not valid, repeats a key, or is far larger than any config.
    """
    text = _decode(raw)
    try:
        loader: Any = _StrictLoader(text)
        data: object = loader.get_data()
        if loader.check_data():
            raise _error_at(
                loader.peek_event(), "a second document begins", "keep one, without a line of ---"
            )
    except yaml.reader.ReaderError as error:
        what, remedy = "has a character that YAML does not allow", "remove it, or escape it in double quotes"
        raise YamlError(_position(text, error.position), what, remedy) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    _check_size(data)
    return data


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the rules of this module."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # PyYAML changes it by class
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node unless it is too deep, has a tag, or is an alias of nothing."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self._depth == _MAX_DEPTH:
            raise _error_at(event, "is nested too deeply", "no config needs that")
        if getattr(event, "tag", None) not in (None, f"{_TAG}str"):
            raise _error_at(event, "has a tag", "write the value alone, without !")
        if isinstance(event, yaml.AliasEvent):
            target = self.anchors.get(event.anchor)
            if target is None or target.end_mark is None:  # a collection has its end once it is complete
                remedy = "define the anchor before it, or put the value in quotes if it begins with *"
                raise _error_at(event, "is an alias of an anchor that is not defined", remedy)
        else:
            self.anchors.pop(event.anchor, None)  # YAML 1.2 lets an anchor be defined again
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, object]:  # type: ignore[override]  # noqa: FBT001, FBT002 -- as in PyYAML
        """Construct a mapping whose keys are texts, each once."""
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node)
            if not isinstance(key, str):
                raise _error_at(key_node, "a key is not text", "put it in quotes")
            if key == "<<":
                raise _error_at(
                    key_node, "merge keys (<<) are not supported", "write out the keys that it merges"
                )
            if key in mapping:
                raise _error_at(key_node, f"the key {safe_key(key)} is repeated", "keep one of them")
            mapping[key] = self.construct_object(value_node, deep)
        return mapping


for _name, _pattern in (
    ("null", "|~|null|Null|NULL"),
    ("bool", "true|True|TRUE|false|False|FALSE"),
    ("int", "[-+]?[0-9]{1,18}"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
):
    _StrictLoader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), [None, ""])
_StrictLoader.add_constructor(f"{_TAG}int", lambda _, node: int(node.value))


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise YamlError(
            "", f"is larger than {MAX_BYTES // 1024**2} MiB", "no config needs that; is it the right file?"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError("", f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8") from None


def _check_size(data: object) -> None:
    """Refuse what aliases make of a small file: they share memory, but readers visit each of them."""
    cost, todo = 0, [(data, 1)]
    while todo:
        value, depth = todo.pop()
        cost += _COST_PER_VALUE + (len(value) if isinstance(value, str) else 0)
        if cost > _MAX_COST or depth > _MAX_DEPTH:
            raise YamlError("", "expands to too many nodes by its aliases", "use fewer aliases (* and &)")
        if isinstance(value, dict):
            todo += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            todo += [(part, depth + 1) for part in value]


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    """Return the parser's error without its quotes from the text, which may be secret."""
    mark, problem = error.problem_mark, _LONG_QUOTE.sub("...", error.problem or "cannot be read")
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    has_tab = "\t" in line[: len(line) - len(line.lstrip())]
    remedy = "indent with spaces, not with tabs" if has_tab else "check colons, quotes and indentation there"
    return YamlError(_position(text, mark.index) if mark else "", f"is not YAML: {problem}", remedy)


def _error_at(item: Any, what: str, remedy: str) -> YamlError:  # noqa: ANN401 -- an event or a node
    mark = item.start_mark
    return YamlError(f"line {mark.line + 1}, column {mark.column + 1}", what, remedy)


def _position(text: str, index: int) -> str:
    before = text[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"
