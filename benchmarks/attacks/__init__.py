"""Clients that attack an HTTP server on the loopback interface, and clients that measure the effect."""
