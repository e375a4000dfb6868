"""What keeps the house: setting up, generating, locking."""
