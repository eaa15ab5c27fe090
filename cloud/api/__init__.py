"""The cloud's REST API: the App endpoints, the handshake, the intake and the reports, under /api/v3 and at the root."""
