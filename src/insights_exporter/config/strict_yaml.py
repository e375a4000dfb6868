"""YAML with the scalars of YAML 1.2 (no dates, no `yes`, no `1:30`), unique keys, and bounded size.

An editor that checks a file against the JSON Schema reads the same values as the exporter.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from insights_exporter.config.errors import InvalidValue, KeyPath, truncate_key

MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 24
_MAX_COST = 5_000_000
_COST_PER_VALUE = 20
"""Aliases make many values of a small file; the cost of a value is this and its characters."""
_LONG_QUOTE = re.compile("'[^']{3,}'")
_UNREADABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PARSER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, which is ten times as fast, if PyYAML was built with it."""

_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile("|~|null|Null|NULL"), lambda _: None),
    (re.compile("true|True|TRUE"), lambda _: True),
    (re.compile("false|False|FALSE"), lambda _: False),
    (re.compile("[-+]?[0-9]{1,18}"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)
"""Plain scalars that are not text."""

_COMPOSER_ERRORS = (
    ("but found another document", "a second document begins", "keep one, without a line of ---"),
    ("second occurrence", "repeats an anchor (&)", "use another name"),
    (
        "found undefined alias",
        "is an alias of an anchor that is not defined",
        "define the anchor before it, or put the value in quotes if it begins with *",
    ),
)
"""How errors of PyYAML's composer begin, and what to say instead."""


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
    return read_yaml_with_lines(raw)[0]


def read_yaml_with_lines(raw: bytes) -> tuple[object, Mapping[KeyPath, int]]:
    """Return the data of `raw`, and the line number of each key and list entry; raises like `read_yaml`."""
    text, builder = _decode(raw), _Builder()
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=_PARSER)
        return (builder.build(root, ()) if root else None), builder.lines
    except yaml.MarkedYAMLError as error:
        raise _describe_syntax_error(error, text) from None


def _check_events(text: str) -> None:
    """Refuse tags, and depth that would exhaust the stack of the composer."""
    depth = 0
    for event in yaml.parse(text, Loader=_PARSER):
        if getattr(event, "tag", None) is not None:
            raise _build_error(event, "has a tag", "write the value alone, without !")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _build_error(event, "is nested too deeply", "no config needs that")


class _Builder:
    """Builds the data of a document from the nodes of PyYAML's composer."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._cost = 0

    def build(self, node: yaml.Node, path: KeyPath) -> object:
        """Return the value of a node, which is at `path`; raises YamlError."""
        self._cost += _COST_PER_VALUE + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self._cost > _MAX_COST or len(path) > _MAX_DEPTH:
            raise _build_error(node, "expands to too many values", "use fewer aliases (* and &)")
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._build_part(part, part, (*path, index)) for index, part in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and not node.style:  # it is not in quotes
            matching = (convert for pattern, convert in _SCALARS if pattern.fullmatch(node.value))
            return next(matching, str)(node.value)
        return node.value

    def _build_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node, (*path, ""))
            if not isinstance(key, str):
                raise _build_error(key_node, "a key is not text", "put it in quotes")
            if key == "<<":
                what = "merge keys (<<) are not supported"
                raise _build_error(key_node, what, "write out the keys that it merges")
            if key in mapping:
                raise _build_error(key_node, f"the key {truncate_key(key)} is repeated", "keep one of them")
            mapping[key] = self._build_part(key_node, value_node, (*path, key))
        return mapping

    def _build_part(self, start: yaml.Node, node: yaml.Node, path: KeyPath) -> object:
        self.lines[path] = start.start_mark.line + 1
        return self.build(node, path)


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        what = f"is larger than {MAX_BYTES // 1024**2} MiB"
        raise YamlError("", what, "no config needs that; is it the right file?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError("", f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8") from None
    if found := _UNREADABLE.search(text):
        what, remedy = "has a character that YAML does not allow", "remove it, or escape it in double quotes"
        raise YamlError(_format_position(text, found.start()), what, remedy)
    return text


def _describe_syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    """Return the parser's error without its quotes from the text, which may be secret."""
    mark, problem = error.problem_mark, _LONG_QUOTE.sub("...", error.problem or "cannot be read")
    position = _format_position(text, mark.index) if mark else ""
    for beginning, what, remedy in _COMPOSER_ERRORS:
        if problem.startswith(beginning):
            return YamlError(position, what, remedy)
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    has_tab = "\t" in line[: len(line) - len(line.lstrip())]
    remedy = "indent with spaces, not with tabs" if has_tab else "check colons, quotes and indentation there"
    return YamlError(position, f"is not YAML: {problem}", remedy)


def _build_error(item: Any, what: str, remedy: str) -> YamlError:  # noqa: ANN401 -- an event or a node
    mark = item.start_mark
    return YamlError(f"line {mark.line + 1}, column {mark.column + 1}", what, remedy)


def _format_position(text: str, index: int) -> str:
    before = text[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"
