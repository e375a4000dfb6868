"""Which of several exporters polls which deployment; they agree without communicating."""

import re
from collections.abc import Iterable
from hashlib import blake2b

_ORDINAL = re.compile(r"-([0-9]+)$")


def select_owned(names: Iterable[str], shard: int, total: int) -> tuple[str, ...]:
    """Return those of `names`, in their order, that belong to `shard`, counted from 0.

    Each name belongs to exactly one of the `total` shards, by rendezvous
    hashing: every shard has a score for it and the highest score wins. One
    more shard takes the names that it scores highest for and moves no others.

    Raises:
        ValueError: There is no such shard.
    """
    if total < 1:
        message = f"--total-shards={total} leaves no shard to poll; it counts all shards and is at least 1"
        raise ValueError(message)
    if not 0 <= shard < total:
        message = f"--shard={shard} is not one of --total-shards={total}, which are numbered 0 to {total - 1}"
        raise ValueError(message)
    return tuple(name for name in names if max(range(total), key=lambda each: _score(name, each)) == shard)


def find_shard_index(shard: str, hostname: str) -> int:
    """Return the number of this shard: `shard`, or for `auto` the ordinal at the end of `hostname`.

    Raises:
        ValueError: `shard` is neither a number nor `auto`, or the host has no ordinal.
    """
    if shard.isascii() and shard.isdigit():
        return int(shard)
    if shard != "auto":
        message = f"--shard={shard} is neither a number from 0 on nor auto"
        raise ValueError(message)
    found = _ORDINAL.search(hostname.partition(".")[0])
    if found is None:
        message = (
            "--shard=auto takes the number from a host name like insights-exporter-0, as StatefulSets name "
            f"their pods, and this host is called {hostname!r}; set --shard to a number"
        )
        raise ValueError(message)
    return int(found.group(1))


def _score(name: str, shard: int) -> bytes:
    return blake2b(f"{shard} {name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
