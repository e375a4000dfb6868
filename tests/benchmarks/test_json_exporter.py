"""The comparison with json_exporter."""

from pathlib import Path

from benchmarks.json_exporter.__main__ import COMMAND, run_probes
from tests.integration.programs import require

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"


def test_docs_show_the_result_of_each_probe(tmp_path: Path) -> None:
    """The table in docs/comparison.md is what json_exporter responds for the embedded Coder."""
    rows = [tuple(row) for row in run_probes(require(COMMAND), tmp_path)]

    assert [
        ("apps by type and slug", "500"),
        ("apps by type, slug, name and icon", "200"),
        ("latencies of users", "200"),
        ("latencies of at least 0", "200"),
        ("dates computed in the URL", "503"),
        ("dates computed in a body", "503"),
    ] == [row[:2] for row in rows]
    page = PAGE.read_text(encoding="utf-8")
    assert [] == [row for row in rows if f"| {' | '.join(row)} |" not in page]
