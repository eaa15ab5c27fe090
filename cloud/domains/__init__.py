"""The domains of a cloud account: added, proved by a DNS record or approved, looked up daily, and deleted.

A domain that is verified or approved decides which addresses of members are shown, and nothing else: matching depends
on who holds an address, never on a domain (docs/domain.md, "Domains").
"""
