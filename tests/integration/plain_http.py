"""Asking peers on this machine over plain HTTP."""

import ssl
from typing import Final

NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no authority, for `verify`: reading the system's authorities takes longer than most answers."""
