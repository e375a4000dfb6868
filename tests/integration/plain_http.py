"""Plain HTTP requests to programs on this machine."""

import ssl
from typing import Final

NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no authority, for `verify`: reading the system's authorities takes longer than most responses."""
