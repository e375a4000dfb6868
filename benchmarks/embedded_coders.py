"""Many embedded Coders in one process: `python -m benchmarks.embedded_coders PORT COUNT`."""

import sys
import threading

from insights_exporter.demo import EmbeddedCoder, Population, serve

USERS = 50


def main() -> None:
    """Serve each Coder under its number as path prefix, until SIGTERM."""
    port, count = map(int, sys.argv[1:])
    population = Population(users=USERS)
    coders = {f"{number}": EmbeddedCoder(population=population) for number in range(count)}
    with serve(coders, port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
