"""Sizes of the benchmarks: full, and small for a smoke test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of all topics; each user has two series, times are in seconds."""

    users: int
    rounds: int
    """Scrapes of each fast server; slow servers are scraped `slow_rounds` times."""
    slow_rounds: int
    conversions: int
    load_seconds: float
    rest_seconds: float
    idle_seconds: float
    small_polls: int
    small_users: int
    growth: tuple[int, ...]
    deployment_counts: tuple[int, ...]
    """Numbers of deployments, in addition to one, that share the same series."""
    deployment_sizes: tuple[tuple[int, int], ...]
    """Users and templates of one deployment."""
    config_size: tuple[int, int]
    """Users and templates of the deployment that is polled with several configs."""
    scale_deployments: int
    scale_seconds: float
    history_days: int
    starts: int
    prometheus_interval: float
    prometheus_programs: int | None
    """Number of programs that Prometheus scrapes; None means all."""
    attacks: frozenset[str] | None
    """Names of attacks; None means all."""
    attack_cases: int | None
    """Number of attacks on variants of the exporter; None means all."""
    attack_users: int
    attack_clients: tuple[int, ...]
    """Number of clients in each round of an attack."""
    attack_seconds: float
    attack_rest_seconds: float


FULL = Sizes(
    users=50_000,
    rounds=50,
    slow_rounds=5,
    conversions=7,
    load_seconds=90,
    rest_seconds=8,
    idle_seconds=60,
    small_polls=1_000,
    small_users=500,
    growth=(500, 5_000, 50_000, 500_000),
    deployment_counts=(10, 100),
    deployment_sizes=(
        (5, 5),
        (20, 5),
        (50, 5),
        (200, 20),
        (1_000, 10),
        (1_000, 50),
        (1_000, 200),
        (10_000, 10),
        (10_000, 150),
        (50_000, 10),
    ),
    config_size=(200, 20),
    scale_deployments=500,
    scale_seconds=300,
    history_days=365,
    starts=5,
    prometheus_interval=5,
    prometheus_programs=None,
    attacks=None,
    attack_cases=None,
    attack_users=10_000,
    attack_clients=(1, 10, 100),
    attack_seconds=6,
    attack_rest_seconds=30,
)
SMALL = Sizes(
    users=200,
    rounds=3,
    slow_rounds=1,
    conversions=1,
    load_seconds=0.5,
    rest_seconds=0,
    idle_seconds=0,
    small_polls=5,
    small_users=10,
    growth=(50, 500),
    deployment_counts=(2,),
    deployment_sizes=((6, 2),),
    config_size=(6, 2),
    scale_deployments=2,
    scale_seconds=1,
    history_days=3,
    starts=1,
    prometheus_interval=0.2,
    prometheus_programs=2,
    attacks=frozenset({"endless request line"}),
    attack_cases=2,
    attack_users=200,
    attack_clients=(1, 2),
    attack_seconds=0.2,
    attack_rest_seconds=0,
)
