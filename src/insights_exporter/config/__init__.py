"""What users configure: models, loading, validation, and the JSON Schema."""
