"""The server's pages."""
