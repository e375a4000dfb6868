"""YAML to plain data, with a bound on everything that a file can blow up.

The scalars are those of YAML 1.2 (no dates, no `yes`, no `1:30`): what an
editor's schema check sees is what the exporter reads.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from insights_exporter.config.errors import InvalidValue, safe_key

MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 24
_MAX_COST = 20_000_000
_COST_PER_VALUE = 20
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_QUOTE = re.compile("'[^']{3,}'")
_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile("|~|null|Null|NULL"), lambda _: None),
    (re.compile("true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile("[-+]?[0-9]{1,18}"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)
_STANDARD_TAGS = {
    yaml.ScalarEvent: (None, "!", "tag:yaml.org,2002:str"),
    yaml.SequenceStartEvent: (None, "!", "tag:yaml.org,2002:seq"),
    yaml.MappingStartEvent: (None, "!", "tag:yaml.org,2002:map"),
}


class NotYaml(InvalidValue):
    """The text is not YAML that can be read; `place` says where, as far as that is known."""

    def __init__(self, place: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.place = place


def read_yaml(raw: bytes) -> object:
    """Give what `raw`, one YAML document in UTF-8, says.

    Raises:
        NotYaml: it cannot be read, has a key twice, or is far larger than
            settings are.
    """
    text = _text(raw)
    try:
        data = _document(_Events(text))
    except yaml.YAMLError as error:
        raise _syntax(error, text) from None
    _check_size(data)
    return data


class _Events:
    """The events of a text, and what its anchors stand for so far."""

    def __init__(self, text: str) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self.anchors: dict[str, object] = {}

    def take(self) -> Any:  # noqa: ANN401 - the library's events are untyped
        return next(self._events)


def _document(events: _Events) -> object:
    events.take()
    if isinstance(events.take(), yaml.StreamEndEvent):
        return None
    value = _value(events, events.take(), 1)
    events.take()
    after = events.take()
    if not isinstance(after, yaml.StreamEndEvent):
        raise NotYaml(_at(after.start_mark), "a second document begins", "keep one, without a line of ---")
    return value


def _value(events: _Events, event: Any, depth: int) -> object:  # noqa: ANN401 - as in take
    if depth > _MAX_DEPTH:
        raise NotYaml(_at(event.start_mark), "is nested too deeply", "no setting needs that")
    if isinstance(event, yaml.AliasEvent):
        return _alias(events, event)
    if event.tag not in _STANDARD_TAGS[type(event)]:
        raise NotYaml(_at(event.start_mark), "has a tag", "write the value alone, without !")
    value = _BUILDERS[type(event)](events, event, depth)
    if event.anchor is not None:
        events.anchors[event.anchor] = value
    return value


def _alias(events: _Events, event: yaml.AliasEvent) -> object:
    if event.anchor not in events.anchors:
        remedy = "define the anchor before it, or put the value in quotes if it begins with *"
        raise NotYaml(_at(event.start_mark), "is an alias of an anchor that is not defined", remedy)
    return events.anchors[event.anchor]


def _scalar(_events: _Events, event: Any, _depth: int) -> object:  # noqa: ANN401 - as in take
    if not event.implicit[0] or event.tag:
        return event.value
    read = next((read for pattern, read in _SCALARS if pattern.fullmatch(event.value)), str)
    return read(event.value)


def _sequence(events: _Events, _event: object, depth: int) -> object:
    items: list[object] = []
    while not isinstance(event := events.take(), yaml.SequenceEndEvent):
        items.append(_value(events, event, depth + 1))
    return items


def _mapping(events: _Events, _event: object, depth: int) -> object:
    pairs: dict[str, object] = {}
    while not isinstance(event := events.take(), yaml.MappingEndEvent):
        key = _key(events, event, depth + 1)
        if key in pairs:
            what = f"the key {safe_key(key)} is here a second time"
            raise NotYaml(_at(event.start_mark), what, "keep one of them")
        pairs[key] = _value(events, events.take(), depth + 1)
    return pairs


def _key(events: _Events, event: Any, depth: int) -> str:  # noqa: ANN401 - as in take
    key = _value(events, event, depth)
    if not isinstance(key, str):
        raise NotYaml(_at(event.start_mark), "a key is not text", "put it in quotes")
    if key == "<<":
        raise NotYaml(_at(event.start_mark), "<< is not read", "write out the keys that it stands for")
    return key


_BUILDERS: dict[type, Callable[[_Events, Any, int], object]] = {
    yaml.ScalarEvent: _scalar,
    yaml.SequenceStartEvent: _sequence,
    yaml.MappingStartEvent: _mapping,
}


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise NotYaml(
            "", f"is larger than {MAX_BYTES // 1024**2} MiB", "no settings need that; is it the right file?"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotYaml("", f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8") from None
    if bad := _UNPRINTABLE.search(text):
        remedy = "take it out, or write it as an escape in double quotes"
        raise NotYaml(_line_of(text, bad.start()), "has a character that YAML does not allow", remedy)
    return text


def _check_size(data: object) -> None:
    """Refuse what aliases make of a small file: they share memory, but all that reads them walks them."""
    cost, todo = 0, [(data, 1)]
    while todo:
        value, depth = todo.pop()
        cost += _COST_PER_VALUE + (len(value) if isinstance(value, str) else 0)
        if cost > _MAX_COST or depth > _MAX_DEPTH:
            raise NotYaml("", "becomes far too large by its aliases", "write less with * and &")
        if isinstance(value, dict):
            todo += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            todo += [(part, depth + 1) for part in value]


def _syntax(error: yaml.YAMLError, text: str) -> NotYaml:
    """Tell what the parser said, without what it quotes: that may be a secret."""
    mark = getattr(error, "problem_mark", None)
    said = _LONG_QUOTE.sub("...", getattr(error, "problem", None) or "cannot be read")
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    tab = "\t" in line[: len(line) - len(line.lstrip())] or "\t" in said
    remedy = "indent with spaces, not with tabs" if tab else "check colons, quotes and indentation there"
    return NotYaml(_at(mark) if mark else "", f"is not YAML: {said}", remedy)


def _at(mark: Any) -> str:  # noqa: ANN401 - as in take
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _line_of(text: str, index: int) -> str:
    before = text[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"
