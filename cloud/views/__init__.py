"""The cloud's pages."""
