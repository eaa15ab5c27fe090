"""The line, seen from the server: connection, handshake, credentials and the one HTTP client."""
