"""Why the number changed: reasons, the equation, its page and its command."""
