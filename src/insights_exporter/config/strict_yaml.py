"""YAML with the scalars of YAML 1.2 (no dates, no `yes`, no `1:30`), unique keys, and bounded size.

An editor that checks a file against the JSON Schema reads the same values as the exporter.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any

import yaml

from insights_exporter.config.errors import InvalidValue, KeyPath, truncate_key

MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 24
_MAX_COST = 20_000_000
_COST_PER_VALUE = 20
_LONG_QUOTE = re.compile("'[^']{3,}'")
_UNREADABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TEXT = "tag:yaml.org,2002:str"
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
    """Return the data of `raw`, and the line number of each key and list entry; raises like `read_yaml`.

    What an alias repeats has no lines.
    """
    text = _decode(raw)
    try:
        reader = _Reader(yaml.parse(text, Loader=_PARSER))
        return reader.read(), reader.lines
    except yaml.MarkedYAMLError as error:
        raise _describe_syntax_error(error, text) from None


class _Reader:
    """Builds the data of the only document from the events of PyYAML's parser."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._events = events
        self._anchors: dict[str, object] = {}

    def read(self) -> object:
        """Return the data, None of an empty text; raises YamlError."""
        starts = (event for event in self._events if isinstance(event, yaml.DocumentStartEvent))
        data = self._build(next(self._events), ()) if next(starts, None) else None
        if second := next(starts, None):
            raise _build_error(second, "a second document begins", "keep one, without a line of ---")
        if self._anchors:
            _check_size(data)
        return data

    def _build(self, event: Any, path: KeyPath) -> object:  # noqa: ANN401 -- PyYAML's events have no common type
        """Return the value at `path`, which begins with `event`."""
        if len(path) >= _MAX_DEPTH:
            raise _build_error(event, "is nested too deeply", "no config needs that")
        if isinstance(event, yaml.AliasEvent):
            return self._resolve_alias(event)
        if event.tag is not None and not (event.tag == _TEXT and isinstance(event, yaml.ScalarEvent)):
            raise _build_error(event, "has a tag", "write the value alone, without !")
        self._anchors.pop(event.anchor, None)  # YAML 1.2 lets an anchor be defined again
        value: object
        if isinstance(event, yaml.MappingStartEvent):
            value = self._build_mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._build_list(path)
        else:
            value = event.value
            if event.implicit[0]:  # it is not in quotes
                matching = (convert for pattern, convert in _SCALARS if pattern.fullmatch(event.value))
                value = next(matching, str)(event.value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _build_list(self, path: KeyPath) -> list[object]:
        entries: list[object] = []
        for event in self._read_until(yaml.SequenceEndEvent):
            place = (*path, len(entries))
            self.lines[place] = event.start_mark.line + 1
            entries.append(self._build(event, place))
        return entries

    def _build_mapping(self, path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for event in self._read_until(yaml.MappingEndEvent):
            key = self._build(event, (*path, ""))
            if not isinstance(key, str):
                raise _build_error(event, "a key is not text", "put it in quotes")
            if key == "<<":
                what = "merge keys (<<) are not supported"
                raise _build_error(event, what, "write out the keys that it merges")
            if key in mapping:
                raise _build_error(event, f"the key {truncate_key(key)} is repeated", "keep one of them")
            self.lines[*path, key] = event.start_mark.line + 1
            mapping[key] = self._build(next(self._events), (*path, key))
        return mapping

    def _read_until(self, end: type[yaml.Event]) -> Iterator[Any]:
        return takewhile(lambda event: not isinstance(event, end), self._events)

    def _resolve_alias(self, event: Any) -> object:  # noqa: ANN401 -- as above
        if event.anchor not in self._anchors:  # it has an anchor once its value is complete
            remedy = "define the anchor before it, or put the value in quotes if it begins with *"
            raise _build_error(event, "is an alias of an anchor that is not defined", remedy)
        return self._anchors[event.anchor]


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


def _describe_syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    """Return the parser's error without its quotes from the text, which may be secret."""
    mark, problem = error.problem_mark, _LONG_QUOTE.sub("...", error.problem or "cannot be read")
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    has_tab = "\t" in line[: len(line) - len(line.lstrip())]
    remedy = "indent with spaces, not with tabs" if has_tab else "check colons, quotes and indentation there"
    return YamlError(_format_position(text, mark.index) if mark else "", f"is not YAML: {problem}", remedy)


def _build_error(item: Any, what: str, remedy: str) -> YamlError:  # noqa: ANN401 -- an event or a node
    mark = item.start_mark
    return YamlError(f"line {mark.line + 1}, column {mark.column + 1}", what, remedy)


def _format_position(text: str, index: int) -> str:
    before = text[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"
