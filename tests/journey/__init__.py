"""The owner's whole way, through two installations that share nothing but HTTP."""
