"""The people behind the number: found, explained, and with those of their addresses that a viewer may see."""

from cloud.people.explaining import AccountReason, Explanation, account_reasons, explain
from cloud.people.facts import cloud_facts, license_sentence, source_of_members
from cloud.people.filters import EVERYBODY, PARAMETERS, PeopleFilter, PeopleFilterInvalid
from cloud.people.finding import Person, people, rows_of, view_counts, with_accounts
from cloud.people.visible import Sight, Viewer, sight, viewer_of, visible_domains

__all__ = [
    "EVERYBODY", "PARAMETERS", "AccountReason", "Explanation", "PeopleFilter", "PeopleFilterInvalid", "Person",
    "Sight", "Viewer", "account_reasons", "cloud_facts", "explain", "license_sentence", "people", "rows_of", "sight",
    "source_of_members", "view_counts", "viewer_of", "visible_domains", "with_accounts",
]  # fmt: skip
