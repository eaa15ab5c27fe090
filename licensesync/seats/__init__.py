"""A server's seats: read from a file, staged, compared with those held, and switched at once."""
