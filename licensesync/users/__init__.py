"""The accounts of a server as owners look at them, and what suspending some of them would free."""
