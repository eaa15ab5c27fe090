"""The server's pages, one module per page."""
