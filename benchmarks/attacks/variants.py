"""How attacked exporters are protected, and which attacks run against which of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.attacks.catalog import ATTACKS, Attack


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An exporter with some of the protections of the web config file."""

    name: str
    """The name in result tables."""
    tls: bool = False
    client_certificates: bool = False
    """Whether only certificates with an allowed name are accepted; the attackers have another name."""
    users: bool = False
    rate_limit: bool = False

    @property
    def serves_attackers(self) -> bool:
        """Whether no protection makes the attackers get only errors."""
        return not (self.client_certificates or self.users or self.rate_limit)


PLAIN = Variant(name="plain")
TLS = Variant(name="TLS", tls=True)
LIMITED = Variant(name="users and rate limit", users=True, rate_limit=True)
TLS_LIMITED = Variant(name="TLS, users and rate limit", tls=True, users=True, rate_limit=True)
CLIENT_CERTIFICATES = Variant(name="TLS, client certificates", tls=True, client_certificates=True)
USERS = Variant(name="users", users=True)
RATE_LIMIT = Variant(name="rate limit", rate_limit=True)

_FOR_EACH_ATTACK = (PLAIN, TLS, LIMITED, TLS_LIMITED)
ATTACKS_ON_ONE_PROTECTION: Mapping[Variant, Sequence[str]] = {
    CLIENT_CERTIFICATES: (
        "connections opened and closed",
        "idle connections",
        "responses read slowly or not at all",
        "aborted TLS handshakes",
        "endless TLS handshakes",
        "endless TLS key updates",
        "plain HTTP instead of TLS",
    ),
    USERS: (
        "pipelined requests, responses not read",
        "endless body, or bytes after the body",
        "responses read slowly or not at all",
        "expensive filters and pages",
        "reloads",
        "failed logins",
    ),
    RATE_LIMIT: (
        "requests sent byte by byte",
        "pipelined requests, responses read",
        "responses read slowly or not at all",
        "connections opened and closed",
        "unusual requests and random bytes",
        "expensive filters and pages",
    ),
}
"""Attacks on which one protection alone could have an effect."""
VARIANTS = (*_FOR_EACH_ATTACK, *ATTACKS_ON_ONE_PROTECTION)

Case = tuple[Attack, Variant]


def list_variants(attack: Attack) -> Sequence[Variant]:
    """Return the variants that an attack runs against."""
    alone = (variant for variant, names in ATTACKS_ON_ONE_PROTECTION.items() if attack.name in names)
    return [
        variant
        for variant in chain(_FOR_EACH_ATTACK, alone)
        if variant.tls >= attack.tls_only and variant.users >= attack.users_only
    ]


def list_cases(attacks: Sequence[Attack] = ATTACKS) -> Sequence[Case]:
    """Return each attack with each of its variants."""
    return [(attack, variant) for attack in attacks for variant in list_variants(attack)]


def alternate_variants() -> Iterator[Case]:
    """Yield each attack with one of the variants that it has an effect on, the one used least so far."""
    used = Counter[Variant]()
    for attack in ATTACKS:
        affected = [each for each in list_variants(attack) if each.serves_attackers >= attack.needs_responses]
        variant = min(affected, key=lambda each: used[each])
        used[variant] += 1
        yield attack, variant
