"""`python -m benchmarks.soak`: scrape an exporter while random faults and reloads disturb it."""

import argparse
import random
import sys

from benchmarks.soak.run import Plan, soak

_MAX_PROBLEMS = 20


def main() -> int:
    """Run a soak with the options from the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="duration (default 10)")
    parser.add_argument("--scrapers", type=int, default=20, help="number of concurrent scrapers (default 20)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    flags = parser.parse_args()
    _print_line(f"Soaking for {flags.minutes:g} minutes; --seed={flags.seed} repeats the same disturbances.")
    result = soak(Plan(minutes=flags.minutes, scrapers=flags.scrapers, seed=flags.seed))
    for line in (*result.summary, *(f"FAILED: {problem}" for problem in result.problems[:_MAX_PROBLEMS])):
        _print_line(line)
    return 1 if result.problems else 0


def _print_line(line: str) -> None:
    """Print a line at once, so that progress is visible in a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
