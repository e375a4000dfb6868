"""Polling: the schedule, one poll, what is published of it, and its status."""
