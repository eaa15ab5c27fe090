"""The schema of the server's console."""
