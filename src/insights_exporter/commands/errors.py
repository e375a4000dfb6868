"""How a command says that it cannot do what it was told."""


class CommandError(Exception):
    """A flag or a file cannot be used; the message names it, the cause and the remedy, one a line."""


class Interrupted(Exception):
    """A signal ended a command before it was done."""
