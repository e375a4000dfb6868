"""The page at `/`."""

from collections.abc import Iterable
from html import escape

from insights_exporter import __version__
from insights_exporter.polling.watch import Watch


def landing_page(metrics_path: str, watches: Iterable[Watch]) -> str:
    """Give a page that names the exporter, its deployments and its other pages."""
    rows = "".join(f"<li>{escape(watch.deployment.name)}</li>" for watch in watches)
    links = "".join(
        f'<li><a href="{escape(path)}">{escape(path)}</a></li>'
        for path in (metrics_path, "/config", "/-/healthy", "/-/ready")
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Insights exporter</title></head>'
        f"<body><h1>Insights exporter {escape(__version__)}</h1><ul>{links}</ul>"
        f"<h2>Deployments</h2><ul>{rows}</ul></body></html>"
    )
