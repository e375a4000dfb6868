"""What looks like a secret or like a person, judged from its text."""

import re

_SECRET_NAME = re.compile(
    r"token|secret|passw(or)?d|passphrase|credential|(private|api|access)[\s_.-]*key", re.IGNORECASE
)

_URL_WITH_USER = r"://[^/?#\s]*@"
_EMAIL = r"(?<![\w.+%-])(?!git@[\w.-]+:)[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
_PEM = r"-----BEGIN "
_ASSIGNED = r"(?i:token|secret|password|passwd|api_?key)="
_PREFIXES = (
    r"gh[oprsu]_",
    r"github_pat_",
    r"gl(?:pat|dt|rt|soat|cbt)-",
    r"xox[abeoprs]-",
    r"xapp-",
    r"sk-(?:ant-|proj-)?[A-Za-z0-9]{12}",
    r"(?:sk|rk|pk)_(?:live|test)_",
    r"(?:AKIA|ASIA)[A-Z0-9]{12}",
    r"AIza[\w-]{20}",
    r"ya29\.",
    r"eyJ[\w-]{8,}\.",
    r"hv[bs]\.",
    r"npm_[A-Za-z0-9]{12}",
    r"pypi-",
    r"dckr_pat_",
    r"do[opr]_v1_",
    r"SG\.[\w-]{8}",
    r"shp(?:at|ca|pa|ss)_",
    r"hf_[A-Za-z0-9]{12}",
    r"AGE-SECRET-KEY-",
    r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}(?![A-Za-z0-9])",
)
_SECRET_VALUE = re.compile(
    "|".join((_URL_WITH_USER, _EMAIL, _PEM, _ASSIGNED, rf"(?<![A-Za-z0-9])(?:{'|'.join(_PREFIXES)})"))
)


def name_looks_secret(name: str) -> bool:
    """Tell whether what is called `name` is likely a secret."""
    return _SECRET_NAME.search(name) is not None


def value_looks_secret(value: str) -> bool:
    """Tell whether `value` has a known shape of a secret, or names a person."""
    return _SECRET_VALUE.search(value) is not None
