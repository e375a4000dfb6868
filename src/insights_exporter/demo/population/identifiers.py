"""Identifiers drawn from a seed."""

from random import Random

SIZE = 16
VARIANT = "89ab"


def uuids(random: Random, count: int) -> list[str]:
    """Draw `count` random UUIDs (version 4), as text."""
    digits = random.randbytes(SIZE * count).hex()
    return [_uuid(digits[at : at + 2 * SIZE]) for at in range(0, len(digits), 2 * SIZE)]


def _uuid(digits: str) -> str:
    variant = VARIANT[int(digits[16], 16) % len(VARIANT)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
