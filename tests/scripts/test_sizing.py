"""The measured costs of deployments by size."""

from scripts import sizing


def test_table() -> None:
    """A size has a row with single users and one without, under one heading."""
    heading, rule, named, aggregate = sizing.render_lines(["6:2"])

    assert "| users | templates | detail | series |" in heading
    assert len(heading.split("|")) == len(rule.split("|"))
    assert named.startswith("| 6 | 2 | named | ")
    assert aggregate.startswith("| 6 | 2 | aggregate | ")


def test_single_users_are_series() -> None:
    """A poll counts requests, and more series where users are named than where they are not."""
    named, aggregate = (sizing.measure(6, 2, detail) for detail in sizing.DETAILS)

    assert int(aggregate["series"]) < int(named["series"])
    assert 0 < int(named["requests"])
    assert 0 < float(named["peak MiB"])
