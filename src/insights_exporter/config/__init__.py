"""What a user may set, where it is read from, how it is checked."""
