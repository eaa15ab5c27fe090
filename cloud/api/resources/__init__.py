"""What GitHub's API does not have: people with their reasons, history, changes and servers, for scripts.

They stand under ``license-sync/``, since some of their names are those of pages at the root.
"""
