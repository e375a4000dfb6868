"""The command line: help at start-up, and what is told of what is mistyped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from insights_exporter.cli import app
from insights_exporter.config.variables import FLAG_VARIABLES
from tests.peers.exporter import RunExporter

URL = "https://coder.example.com"
SECRET = "0123456789-abcdefghijklmnopqrstuv"  # noqa: S105 -- it opens nothing
SET = {"CODER_URL": URL, "CODER_SESSION_TOKEN": SECRET}


def commands(command: Any) -> Iterator[Any]:  # noqa: ANN401 -- typer has no type for it
    """Give a command and all below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from commands(below)


def test_flags_have_the_variables_that_are_documented() -> None:
    """A flag may be given by exactly the variable that the settings know for it."""
    declared = {
        option.envvar: option.opts[0]
        for command in commands(typer.main.get_command(app))
        for option in command.params
        if option.envvar
    }

    assert dict(FLAG_VARIABLES) == {name: flag for name, flag in declared.items() if name in FLAG_VARIABLES}
    assert set() == {name for name in declared if name.startswith("INSIGHTS_")} - FLAG_VARIABLES.keys()


def test_every_flag_has_its_help() -> None:
    """`--help` says a word on each flag of each command, and each command is told in one sentence."""
    wrong = [
        f"{command.name} {option.opts[0]}"
        for command in commands(typer.main.get_command(app))
        for option in command.params
        if not (option.help or "").endswith((".", "\f"))
        and "completion" not in option.opts[0]
        and option.opts != ["--help"]
    ]

    assert [] == wrong


def test_flag_before_a_command_is_refused(run_exporter: RunExporter) -> None:
    """A flag that would be without effect there is told where it belongs."""
    ended = run_exporter("--config.file=x.yml", "check", env=SET)

    assert 2 == ended.returncode
    assert "write it after the command: check --config.file" in ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("chek",), "Did you mean 'check'?", id="command"),
        pytest.param(("demo", "--usrs=3"), "--users", id="flag"),
        pytest.param(("--log.level=loud",), "'warning'", id="value"),
        pytest.param(("--web.max-requests=many",), "--web.max-requests", id="number"),
    ],
)
def test_mistyped_on_the_command_line(run_exporter: RunExporter, words: tuple[str, ...], told: str) -> None:
    """What is mistyped is answered with what there is, and status 2."""
    ended = run_exporter(*words, env=SET)

    assert 2 == ended.returncode
    assert told in ended.stderr


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CODER_TOKN", "CODER_SESSION_TOKEN"),
        ("CODER_ULR", "CODER_URL"),
        ("INSIGHTS_EXPORTER_CONFG_FILE", "INSIGHTS_EXPORTER_CONFIG_FILE"),
        ("INSIGHTS_EXPORTER_WEB_LISTEN_ADRESS", "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS"),
    ],
)
def test_mistyped_variable(run_exporter: RunExporter, name: str, meant: str) -> None:
    """A variable that nothing reads is named with the one that was meant; its value is not shown."""
    ended = run_exporter("config", "show", env={**SET, name: "hidden-value"})

    assert 0 == ended.returncode
    assert f"{name}: " in ended.stderr
    assert f"did you mean {meant}?" in ended.stderr
    assert "hidden-value" not in ended.stderr + ended.stdout


def test_nothing_set(run_exporter: RunExporter) -> None:
    """Without any settings one line tells the three ways to give them."""
    ended = run_exporter()

    assert 2 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert all(word in ended.stderr for word in ("CODER_URL", "coder login", "config init", "--config.file"))


def test_example_can_be_used(run_exporter: RunExporter, tmp_path: Path) -> None:
    """What `config init` prints is a file that `--config.check` accepts once the token is there."""
    file = tmp_path / "config.yml"
    file.write_text(run_exporter("config", "init").stdout, encoding="utf-8")

    ended = run_exporter(f"--config.file={file}", "--config.check", env=SET)

    assert (0, "") == (ended.returncode, ended.stderr)


def test_mistyped_key(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A key that does not exist is named with the nearest one, all at once with the others."""
    file = tmp_path / "config.yml"
    wrong = "usres: {detail: named}, timout: 5s"
    file.write_text(f"deployments: [{{url: '{URL}', token_env: CODER_SESSION_TOKEN, {wrong}}}]")

    ended = run_exporter(f"--config.file={file}", "--config.check", env=SET)

    assert 2 == ended.returncode
    assert "did you mean users?" in ended.stderr
    assert "did you mean timeout?" in ended.stderr
    assert str(file) in ended.stderr


def test_schema_is_the_published_one(run_exporter: RunExporter) -> None:
    """`config schema` prints what editors get."""
    published = Path(__file__).parents[1] / "docs" / "configuration.schema.json"

    printed = run_exporter("config", "schema").stdout

    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(printed)


def test_settings_with_their_sources(run_exporter: RunExporter, tmp_path: Path) -> None:
    """`config show` is YAML with every value, who set it, and no secret."""
    file = tmp_path / "config.yml"
    header = "{X-Gateway-Key: 'hidden-value'}"
    file.write_text(
        f"defaults: {{timeout: 7s}}\ndeployments: [{{url: '{URL}', token: {SECRET}, headers: {header}}}]"
    )

    ended = run_exporter("config", "show", f"--config.file={file}")

    (deployment,) = yaml.safe_load(ended.stdout)["deployments"]
    assert "coder.example.com" == deployment["name"]
    assert "timeout: 7s  # file, defaults" in ended.stdout
    assert "# built in" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr
    assert "hidden-value" not in ended.stdout


@pytest.mark.parametrize("folder", [".config/coderv2", "Library/Application Support/coderv2"])
def test_session_of_coder_login(run_exporter: RunExporter, tmp_path: Path, folder: str) -> None:
    """The session that Coder's own command line left is found, and shown without its token."""
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
    """The shell is told what may follow, and how to be told."""
    place = str(len(typed.split()) - 1)
    ask = {"_INSIGHTS_EXPORTER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": place}

    assert offered in run_exporter(env=ask).stdout.split()


def test_version(run_exporter: RunExporter) -> None:
    """`--version` names program and version."""
    name, version = run_exporter("--version").stdout.split()

    assert "insights-exporter" == name
    assert version[0].isdigit()
