"""What several tests need and no peer gives."""
