"""Write docs/configuration.md and the JSON Schema from the config models."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from insights_exporter.config.env import CODER_VARIABLES, FLAG_VARIABLES
from insights_exporter.config.loader import read_example
from insights_exporter.config.schema import SCHEMA_PATH, build_json_schema
from insights_exporter.config.types import DURATION_PATTERN, format_duration
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS

PATH = "docs/configuration.md"

CHAPTERS = (
    (
        "Deployments",
        "Deployment",
        "Each entry of `deployments:`. All keys except `name` and `url` can be set under `defaults:` too.",
    ),
    ("Windows", "Window", "Each entry of `windows:` that is not just `today` or a number of days."),
    ("Datasets", "DatasetOptions", "Each value of `datasets:`, under the dataset's name.\n\n{datasets}"),
    ("`tls`", "TLSConfig", ""),
    ("`users`", "UserOptions", ""),
    ("`parameters`", "ParameterOptions", ""),
    ("`apps`", "AppOptions", ""),
    ("`groups`", "GroupOptions", ""),
    ("`templates`", "TemplateOptions", ""),
)
"""Heading, model, opening."""

OPENING = """# Configuration

Reference of all config keys and environment variables. `make docs` generates it from the code.

## Without a file

Two variables are enough. They are read if no `--config.file` is given:

{coder_variables}

If no token is set, the session of `coder login` is used, but only for the server it was created for.

## With a file

`--config.file` names a YAML file. Deployments then come from the file alone; the environment is only used
for variables that the file names with `token_env`. `insights-exporter config init` prints this example:

```yaml
{example}```

- `--config.check` and `insights-exporter config show` report all problems of a file at once, each with its
  key and a remedy, without polling. `config show` prints the effective config with the source of each
  value, without secrets.
- `defaults:` applies to all deployments, which can override it. Maps are merged key by key, lists are
  replaced. A deployment's own `token`, `token_file` or `token_env` replaces the one in `defaults:`, and so
  does `users.key` or `users.key_file`. An empty value (`proxy:`) removes a default of an optional key.
- Unknown keys, repeated keys, and names of windows that do not exist are errors. By default `users`,
  `parameters` and `templates` are exposed for `7d`; if a deployment has no such window, they are not exposed.
- Variables in values, such as `${{NAME}}`, are not expanded. To read a token from a variable, use
  `token_env`.
- A token is `ID-SECRET` alone, wherever it comes from; white space around it is ignored. Quotes, `NAME=`,
  base64 or a byte order mark around it are errors.
- Durations have the format of Prometheus: `30s`, `5m`, `1h30m`, `7d`.
- Paths are relative to the folder of the config file. All files must exist when the exporter starts. Token
  files are re-read at each poll.
- A file with secrets that other users can read causes a warning. Access by the group is allowed if another
  user owns the file, as with secrets that Kubernetes mounts.
- `include` and `exclude` are case-sensitive shell patterns (`*`, `?`, `[abc]`) that match the whole name.
- The file is YAML 1.2: only `true` and `false` are booleans. Merge keys (`<<`) are not supported; use
  `defaults:`.
- Editors complete and check the file with its [schema]({schema}), which `insights-exporter config schema`
  prints.

Coder updates its statistics every 5m. More frequent polls return the same numbers; they are allowed but cause
a warning.

"""

CLOSING = """## Environment variables of flags

Flags on the command line take precedence. Other variables that begin with `INSIGHTS_EXPORTER_`, and those
that look like a misspelled `CODER_URL` or `CODER_SESSION_TOKEN`, cause a warning that suggests a name.

{flag_variables}

## Proxy variables

`HTTP_PROXY` (for `http://` URLs), `HTTPS_PROXY` (for `https://` URLs), `ALL_PROXY` (fallback for both) and
`NO_PROXY` work as in Go and curl, for requests to Coder and for `backfill --remote-write`. Lower-case names
also work and take precedence. A deployment's own `proxy` takes precedence over all of them.

- The proxy is `http://HOST:PORT` or `https://HOST:PORT`, with `USER:PASSWORD@` if needed; `http://` may be
  omitted. A proxy that cannot be used (SOCKS, another scheme, an invalid port) is a config error.
- `NO_PROXY` is a comma-separated list of host names and domains (`example.com` and `.example.com`
  exclude the domain and its subdomains, `*.example.com` only the subdomains), addresses (`192.0.2.1`,
  `2001:db8::1`, `[2001:db8::1]`), networks (`10.0.0.0/8`, `fd00::/8`), or `*` for every host. Host names,
  domains and addresses may end with `:PORT`. An invalid entry is skipped with a warning.
- `localhost` and loopback addresses are never reached through a proxy.

## Certificate authorities

All outgoing connections trust the certificate authorities of the system and those of certifi, or only
those of `tls.ca_file`. Certificates of in-house authorities that curl and Go accept are accepted with
every version of Python: the strict mode of Python 3.13 is disabled. `.netrc` is not read.

No variable sets `tls.ca_file`: without a config file, add a private authority to those of the system. In a
container, mount its PEM file and set `tls.ca_file`; in the chart, mount it with `extraVolumes` and
`extraVolumeMounts`.
"""


def render(datasets: Mapping[str, Dataset] = DATASETS) -> Mapping[str, str]:
    """Return the text of both files, by their paths."""
    schema = build_json_schema(datasets)
    chapters = "\n".join(chapter(schema, datasets, *words) for words in CHAPTERS)
    opening = OPENING.format(
        coder_variables=table(
            ("variable", "meaning"), ((f"`{name}`", text) for name, text in CODER_VARIABLES.items())
        ),
        example=read_example(),
        schema=SCHEMA_PATH.removeprefix("docs/"),
    )
    flags = table(("variable", "flag"), ((f"`{name}`", f"`{flag}`") for name, flag in FLAG_VARIABLES.items()))
    text = f"{opening}{chapters}\n{CLOSING.format(flag_variables=flags)}"
    return {PATH: text, SCHEMA_PATH: f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"}


def chapter(
    schema: Mapping[str, Any], datasets: Mapping[str, Dataset], heading: str, model: str, opening: str
) -> str:
    """Return the chapter about a map of the config file."""
    part = schema["$defs"][model]
    part = part.get("anyOf", [part])[-1]
    about = (opening or part["description"]).format(datasets=dataset_table(datasets))
    ordered = sorted(part["properties"].items(), key=lambda item: item[0] not in ("name", "url"))
    rows = (
        (f"`{key}`", kind(value), default(key, value, part), description(value, schema["$defs"]))
        for key, value in ordered
    )
    return f"## {heading}\n\n{about}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}\n"


def description(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the description of a key, or that of the map it refers to, if pydantic omits an equal one."""
    own: str = value.get("description") or definitions[value["$ref"].rpartition("/")[2]]["description"]
    return own


def dataset_table(datasets: Mapping[str, Dataset]) -> str:
    """Return a table of the datasets with their defaults."""
    rows = (
        (
            f"`{name}`",
            "yes" if dataset.enabled_by_default else "no",
            format_duration(dataset.default_interval) if dataset.default_interval else "by the window",
        )
        for name, dataset in datasets.items()
    )
    return table(("dataset", "enabled", "polled every"), rows)


def kind(value: Mapping[str, Any]) -> str:
    """Return the type of a key's value, in words."""
    if "anyOf" in value:
        return next(kind(one) for one in value["anyOf"] if one.get("type") != "null")
    if "enum" in value:
        return "one of " + ", ".join(f"`{one}`" for one in value["enum"])
    if DURATION_PATTERN in value.get("pattern", ""):
        return "duration"
    if value.get("format") == "password":
        return "secret string"
    return "path" if value.get("format") == "path" else KINDS[value.get("type", "object")]


KINDS = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "map",
}


def default(key: str, value: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    """Return the default of a key, or `required`."""
    if key in owner.get("required", ()):
        return "required"
    empty = value.get("default") in (None, {}, [])
    return "" if empty else f"`{json.dumps(value['default'])}`".replace('"', "")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
