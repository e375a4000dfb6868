"""The command line: help, and errors for mistyped flags, variables and keys."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from insights_exporter import __version__
from insights_exporter.cli import app
from insights_exporter.config.env import FLAG_VARIABLES
from tests.integration.exporter import IMPORTED_FROM, RunExporter
from tests.integration.processes import clean_environment

URL = "https://coder.example.com"
SECRET = "0123456789-abcdefghijklmnopqrstuv"  # noqa: S105 -- it opens nothing
SET = {"CODER_URL": URL, "CODER_SESSION_TOKEN": SECRET}


ONLY_PRINT = {"--version", "--install-completion", "--show-completion"}


def list_commands(command: Any) -> Iterator[Any]:  # noqa: ANN401 -- typer has no type for it
    """Yield a command and all below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from list_commands(below)


def test_flags_have_their_documented_variables() -> None:
    """Each flag has exactly its documented variable."""
    declared = {
        option.envvar: option.opts[0]
        for command in list_commands(typer.main.get_command(app))
        for option in command.params
        if option.envvar
    }

    assert dict(FLAG_VARIABLES) == {name: flag for name, flag in declared.items() if name in FLAG_VARIABLES}
    assert set() == {name for name in declared if name.startswith("INSIGHTS_")} - FLAG_VARIABLES.keys()


def test_every_flag_has_a_help_text() -> None:
    """Each flag of each command has a help text that ends with a period."""
    wrong = [
        f"{command.name} {option.opts[0]}"
        for command in list_commands(typer.main.get_command(app))
        for option in command.params
        if not (option.help or "").endswith((".", "\f"))
        and "completion" not in option.opts[0]
        and option.opts != ["--help"]
    ]

    assert [] == wrong


def list_options() -> Iterator[Any]:
    """Yield each flag of each command, with the name of its command as `id`."""
    for command in list_commands(typer.main.get_command(app)):
        for option in command.params:
            yield pytest.param(command, option, id=f"{command.name} {option.opts[0]}")


@pytest.mark.parametrize(("command", "option"), tuple(list_options()))
def test_values_have_names(command: Any, option: Any) -> None:  # noqa: ANN401 -- typer has no type for them
    """`--help` names the value of each flag or lists its choices, without types of Python."""
    shown, _ = option.get_help_record(command.make_context("x", [], resilient_parsing=True))
    value = "" if option.is_flag else shown.partition(" ")[2]

    assert option.is_flag or re.fullmatch(r"<[a-z]+([|][a-z]+)+>|[A-Z][A-Z:=,/@\[\]-]*", value)
    assert value not in {"TEXT", "INTEGER", "FLOAT", "BOOLEAN"}


@pytest.mark.parametrize(("command", "option"), tuple(list_options()))
def test_repeated_flag(command: Any, option: Any) -> None:  # noqa: ANN401 -- as above
    """A flag must not be repeated unless its help allows it."""
    words = [option.opts[0]] if option.is_flag else [option.opts[0], "2026-01-01"]
    context = command.make_context("x", [], resilient_parsing=True)
    context.resilient_parsing = False

    if option.multiple:
        assert "Repeatable" in option.help
    elif "completion" not in option.opts[0]:
        with pytest.raises(typer.BadParameter, match="may be given only once"):
            command.parse_args(context, words * 2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("--web.enable-lifecycle",), True, id="on"),
        pytest.param(("--web.enable-lifecycle=true",), True, id="true"),
        pytest.param(("--web.enable-lifecycle=1",), True, id="1"),
        pytest.param(("--web.enable-lifecycle=false",), False, id="false"),
        pytest.param(("--no-web.enable-lifecycle",), False, id="off"),
        pytest.param((), True, id="variable"),
    ],
)
def test_switches_follow_kingpin(
    words: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch accepts a value after `=`, has a negation, and overrides its variable."""
    monkeypatch.setenv("INSIGHTS_EXPORTER_WEB_ENABLE_LIFECYCLE", "true")

    context = typer.main.get_command(app).make_context("insights-exporter", list(words))

    assert expected == context.params["enable_lifecycle"]


@pytest.mark.parametrize("value", ["maybe", "yes", ""])
def test_switch_with_an_invalid_value(value: str) -> None:
    """Other values than true and false are refused with what is expected."""
    with pytest.raises(typer.BadParameter, match="is neither true nor false"):
        typer.main.get_command(app).make_context("insights-exporter", [f"--web.enable-lifecycle={value}"])


def test_every_switch_has_a_negation() -> None:
    """Each flag without a value has a negation, except those that only print."""
    switches = {
        option.opts[0]: option.secondary_opts
        for command in list_commands(typer.main.get_command(app))
        for option in command.params
        if option.is_flag and option.opts[0] not in ONLY_PRINT
    }

    assert {"--config.check", "--ready", "--resume"} <= switches.keys()
    assert {name: [f"--no-{name.removeprefix('--')}"] for name in switches} == switches


def test_both_names_of_the_warning_level(run_exporter: RunExporter) -> None:
    """Go's name of a level and Python's mean the same."""
    mistyped = {**SET, "CODER_TOKN": "x"}
    warn, warning, error = (
        run_exporter("config", "show", f"--log.level={level}", env=mistyped)
        for level in ("warn", "warning", "error")
    )

    assert [0] * 3 == [ended.returncode for ended in (warn, warning, error)]
    assert [True, True] == ["level=warning" in ended.stderr for ended in (warn, warning)]
    assert "" == error.stderr


def test_flag_before_a_command_is_refused(run_exporter: RunExporter) -> None:
    """The error states where the flag belongs."""
    ended = run_exporter("--config.file=x.yml", "check", env=SET)

    assert 2 == ended.returncode
    assert "write it after the command: check --config.file, if `check -h` lists it" in ended.stderr


def test_version_alone_is_shown(run_exporter: RunExporter) -> None:
    """With `--version` no command runs."""
    ended = run_exporter("--version", "scrape")

    assert (0, f"insights-exporter {__version__}\n", "") == (ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("chek",), "Did you mean 'check'?", id="command"),
        pytest.param(("demo", "--usrs=3"), "--users", id="flag"),
        pytest.param(("--log.level=loud",), "'--log.level': 'loud' is not one of 'debug'", id="value"),
        pytest.param(("--web.max-requests=many",), "--web.max-requests", id="number"),
    ],
)
def test_mistyped_on_the_command_line(
    run_exporter: RunExporter, words: tuple[str, ...], message: str
) -> None:
    """The error has the nearest valid input, and status 2."""
    ended = run_exporter(*words, env=SET)

    assert 2 == ended.returncode
    assert message in ended.stderr


def test_mistyped_variables(run_exporter: RunExporter) -> None:
    """Each warning has the variable that was meant, and not the value."""
    meant = {
        "CODER_TOKN": "CODER_SESSION_TOKEN",
        "CODER_ULR": "CODER_URL",
        "INSIGHTS_EXPORTER_CONFG_FILE": "INSIGHTS_EXPORTER_CONFIG_FILE",
        "INSIGHTS_EXPORTER_WEB_LISTEN_ADRESS": "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS",
    }

    ended = run_exporter("config", "show", env={**SET, **dict.fromkeys(meant, "hidden-value")})
    warnings = [line for line in ended.stderr.splitlines() if "level=warning" in line]

    assert (0, len(meant)) == (ended.returncode, len(warnings))
    for name, other in meant.items():
        assert any(f"{name}: " in line and f"did you mean {other}?" in line for line in warnings)
    assert "hidden-value" not in ended.stderr + ended.stdout


def test_no_config(run_exporter: RunExporter) -> None:
    """Without a config one line has the three ways to set it."""
    ended = run_exporter()

    assert 2 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert all(word in ended.stderr for word in ("CODER_URL", "coder login", "config init", "--config.file"))


def test_example_can_be_used(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The output of `config init` is valid once the token is set."""
    file = tmp_path / "config.yml"
    file.write_text(run_exporter("config", "init").stdout, encoding="utf-8")

    ended = run_exporter(f"--config.file={file}", "--config.check", env=SET)

    assert (0, "") == (ended.returncode, ended.stderr)


def test_mistyped_key(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Unknown keys have suggestions, all at once."""
    file = tmp_path / "config.yml"
    wrong = "usres: {detail: named}, timout: 5s"
    file.write_text(f"deployments: [{{url: '{URL}', token_env: CODER_SESSION_TOKEN, {wrong}}}]")

    ended = run_exporter(f"--config.file={file}", "--config.check", env=SET)

    assert 2 == ended.returncode
    assert "did you mean users?" in ended.stderr
    assert "did you mean timeout?" in ended.stderr
    assert str(file) in ended.stderr


def test_schema_is_the_published_one(run_exporter: RunExporter) -> None:
    """`config schema` prints the schema that editors use."""
    published = Path(__file__).parents[1] / "docs" / "configuration.schema.json"

    printed = run_exporter("config", "schema").stdout

    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(printed)


def test_config_with_sources(run_exporter: RunExporter, tmp_path: Path) -> None:
    """`config show` is YAML with each value and its source, and no secret."""
    file = tmp_path / "config.yml"
    header = "{X-Gateway-Key: 'hidden-value'}"
    file.write_text(
        f"defaults: {{timeout: 7s}}\ndeployments: [{{url: '{URL}', token: {SECRET}, headers: {header}}}]"
    )

    ended = run_exporter("config", "show", f"--config.file={file}")

    (deployment,) = yaml.safe_load(ended.stdout)["deployments"]
    assert "coder.example.com" == deployment["name"]
    assert "timeout: 7s  # file, defaults" in ended.stdout
    assert "# default" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr
    assert "hidden-value" not in ended.stdout


@pytest.mark.parametrize("folder", [".config/coderv2", "Library/Application Support/coderv2"])
def test_session_of_coder_login(run_exporter: RunExporter, tmp_path: Path, folder: str) -> None:
    """The session of Coder's own CLI is found, and shown without its token."""
    session = tmp_path / "home" / folder
    session.mkdir(parents=True)
    (session / "url").write_text(f"{URL}\n", encoding="utf-8")
    (session / "session").write_text(SECRET, encoding="utf-8")

    ended = run_exporter("config", "show", env={"HOME": str(tmp_path / "home")})

    assert 0 == ended.returncode
    assert f"url: {URL}  # coder login" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("insights-exporter ch", "check"), ("insights-exporter demo --fa", "--fault")],
    ids=["command", "flag"],
)
def test_completion(run_exporter: RunExporter, typed: str, offered: str) -> None:
    """Commands and flags are completed."""
    place = str(len(typed.split()) - 1)
    ask = {"_INSIGHTS_EXPORTER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": place}

    assert offered in run_exporter(env=ask).stdout.split()


def test_module_runs_the_same_program(run_exporter: RunExporter, tmp_path: Path) -> None:
    """`python -m insights_exporter` is the command line."""
    ended = subprocess.run(
        (sys.executable, "-m", "insights_exporter", "--version"),
        env=clean_environment(tmp_path, {"PYTHONPATH": str(IMPORTED_FROM)}),
        check=True,
        capture_output=True,
        text=True,
    )

    assert run_exporter("--version").stdout == ended.stdout
