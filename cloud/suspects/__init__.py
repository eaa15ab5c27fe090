"""People who are probably one: found, weighed, and never merged (docs/domain.md, "Probably the same person")."""
