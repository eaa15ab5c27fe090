"""Who owns what: enterprises, roles, access, the audit log, tokens, sign-in, and the one way out over HTTP."""
