"""How every command ends where it cannot run as configured."""

import pytest
import typer

from insights_exporter.commands.errors import NotUsable
from insights_exporter.commands.flags import exit_status
from insights_exporter.config.problems import ConfigError, Problem


@pytest.mark.parametrize(
    "error",
    [
        NotUsable("tls: is gone; name another"),
        ConfigError([Problem("", "tls", "is gone", "name another")]),
        OSError("tls: is gone; name another"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_ends_with_its_text_alone(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and the message, also where a file vanished after the config was checked."""
    with pytest.raises(typer.Exit) as ended, exit_status():
        raise error

    assert 2 == ended.value.exit_code
    assert "insights-exporter: tls: is gone; name another\n" == capsys.readouterr().err
