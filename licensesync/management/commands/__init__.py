"""Commands of the server's console."""
