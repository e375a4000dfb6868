"""All that knows Coder's HTTP: client, pacing, errors, query dialects."""
