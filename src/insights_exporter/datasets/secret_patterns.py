"""Recognition of secrets and e-mail addresses by their text."""

import re
from functools import lru_cache

_SECRET_NAME = re.compile(
    r"token|secret|passw(or)?d|passphrase|credential|(private|api|access)[\s_.-]*key", re.IGNORECASE
)

_URL_WITH_USER = r"://[^/?#\s]*@"
_EMAIL = r"(?<![\w.+%-])(?!git@[\w.-]+:)[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
_PEM = r"[-]{5}BEGIN "
_ASSIGNED = r"(?i:token|secret|password|passwd|api[-_]?key)="
_PREFIXES = (
    r"gh[oprsu]_",
    r"github_pat_",
    r"gl(?:pat|dt|rt|soat|cbt)[-]",
    r"xox[abeoprs][-]",
    r"xapp[-]\d[-]",
    r"sk[-](?:ant[-]|proj[-])?[A-Za-z0-9]{12}",
    r"(?:sk|rk|pk)_(?:live|test)_",
    r"(?:AKIA|ASIA)[A-Z0-9]{12}",
    r"AIza[\w-]{20}",
    r"ya29\.",
    r"eyJ[\w-]{8,512}\.",  # bounded: "-eyJ" again and again would take a search from each to the end
    r"hv[bs]\.",
    r"npm_[A-Za-z0-9]{12}",
    r"pypi[-]AgE",
    r"dckr_pat_",
    r"do[opr]_v1_",
    r"SG\.[\w-]{8}",
    r"shp(?:at|ca|pa|ss)_",
    r"hf_[A-Za-z0-9]{12}",
    r"AGE[-]SECRET[-]KEY[-]",
    r"[A-Za-z0-9]{10}[-][A-Za-z0-9]{22}(?![A-Za-z0-9])",
)
"""A dash of a secret is written `[-]`, so that the pattern for slugs can be derived."""

PATTERNS = (
    *(_URL_WITH_USER, _EMAIL, _PEM, _ASSIGNED),
    *(rf"(?<![A-Za-z0-9]){prefix}" for prefix in _PREFIXES),
)
"""What a secret or an e-mail address looks like."""

_ANY = "|".join((_URL_WITH_USER, _EMAIL, _PEM, _ASSIGNED, rf"(?<![A-Za-z0-9])(?:{'|'.join(_PREFIXES)})"))
_SECRET_VALUE = re.compile(_ANY)
_CUT_JWT = r"(?<![A-Za-z0-9])eyJ[\w-]{40,61}\Z"
"""A JWT of which the first part is longer than a slug of Coder may be, which is 64 characters."""
_SECRET_SLUG = re.compile(f"{_ANY.replace('[-]', '[-_]')}|{_CUT_JWT}", re.IGNORECASE)


def name_looks_secret(name: str) -> bool:
    """Return whether a parameter called `name` is likely a secret."""
    return _SECRET_NAME.search(name) is not None


def value_looks_secret(value: str) -> bool:
    """Return whether `value` has a known shape of a secret, or names a person."""
    return _SECRET_VALUE.search(value) is not None


@lru_cache(2048)  # reports repeat the same few names: once per template, window and poll
def slug_looks_secret(slug: str) -> bool:
    """Return whether a slug has such a shape, also as Coder spells it: in lower case, `-` as `_`."""
    return _SECRET_SLUG.search(slug) is not None
