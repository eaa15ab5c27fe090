"""The server's console."""
