"""The two exposition formats."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Format(StrEnum):
    """An exposition format that Prometheus reads."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


_OFFERS: Mapping[Format, tuple[str, str]] = {
    Format.TEXT: ("text/plain", "0.0.4"),
    Format.OPENMETRICS: ("application/openmetrics-text", "1.0.0"),
}
"""Media type and version."""

CONTENT_TYPES: Mapping[Format, str] = {
    format_: f"{media_type}; version={version}; charset=utf-8"
    for format_, (media_type, version) in _OFFERS.items()
}

ENDINGS: Mapping[Format, bytes] = {Format.TEXT: b"", Format.OPENMETRICS: b"# EOF\n"}
"""The end of a response."""

_QUALITY = re.compile(r"(?:0(?:\.\d*)?|1(?:\.0*)?)", re.ASCII)
_MAX_ELEMENTS, _MAX_PARAMETERS = 100, 10
"""More are ignored: no client sends as many, and a header of 30 kB takes 9 ms of the event loop."""
_CODINGS = ("gzip", "x-gzip")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The format and the encoding of a response."""

    format_: Format
    gzip: bool


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of a header: the value, how well it is accepted, and its place."""

    value: str
    version: str
    quality: float
    place: int


@lru_cache(maxsize=16)  # a client sends the same headers each time
def negotiate(accept: str | None, accept_encoding: str | None) -> Negotiated:
    """Return the format and encoding for a request with these headers, None for those it lacks."""
    return Negotiated(
        _choose_format(_parse_elements(accept)), _accepts_gzip(_parse_elements(accept_encoding))
    )


def _choose_format(elements: Sequence[_Element]) -> Format:
    rated = [(_rate(elements, format_), format_) for format_ in Format]
    (quality, *_), format_ = max(rated, key=lambda entry: entry[0])
    return format_ if quality > 0 else Format.TEXT


def _rate(elements: Sequence[_Element], format_: Format) -> tuple[float, int, int]:
    """Return quality, specificity and place of the element that matches a format most precisely."""
    media_type, version = _OFFERS[format_]
    family = media_type.partition("/")[0]
    matches = []
    for element in elements:
        exact = 4 if element.version else 3
        specificity = {media_type: exact, f"{family}/*": 2, "*/*": 1}.get(element.value, 0)
        if specificity and element.version in ("", version):
            matches.append((specificity, element.quality, -element.place))
    specificity, quality, place = max(matches, default=(0, 0.0, 0))
    return quality, specificity, place


def _accepts_gzip(elements: Sequence[_Element]) -> bool:
    qualities = {element.value: element.quality for element in reversed(elements)}
    anything = qualities.get("*", 0.0)
    gzip = max((qualities[name] for name in _CODINGS if name in qualities), default=anything)
    plain = qualities.get("identity", anything)
    return gzip > 0 and gzip >= plain


def _parse_elements(header: str | None) -> list[_Element]:
    elements = []
    for place, text in enumerate((header or "").split(",", _MAX_ELEMENTS)[:_MAX_ELEMENTS]):
        value, *parameters = text.split(";", _MAX_PARAMETERS)[:_MAX_PARAMETERS]
        pairs = (parameter.partition("=") for parameter in parameters)
        named = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
        quality = named.get("q", "1")
        if value.strip() and _QUALITY.fullmatch(quality):
            version = named.get("version", "")
            elements.append(_Element(value.strip().lower(), version, float(quality), place))
    return elements
