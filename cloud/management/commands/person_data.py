"""Prints what is held about a person, for the person themselves."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from cloud import services
from cloud.management.naming import PERSON, named
from cloud.people import telling
from enterprises.commands import ReportingCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator


class Command(ReportingCommand):
    help = "Print what is held about a person: every table, since when, where it came from and how long it stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("cloud", metavar="CLOUD", help="the slug of the enterprise or organization")
        parser.add_argument("person", metavar="PERSON", help=PERSON)

    def handle(self, *, cloud: str, person: str, json: bool, **options: Any) -> None:
        license_ = named(cloud, person)
        now = timezone.now()
        services.record_person_data(license_=license_, by=None, at=now)
        held = telling.held_values(license_, now)
        self.report("\n".join(_lines(held)), as_json=json, **held)


def _lines(held: dict[str, Any]) -> Iterator[str]:
    yield f"What {held['account']} holds about {held['person']}:"
    for table in held["held"]:
        yield f"{table['title']} ({table['table']}). From: {table['origin']} Stays: {table['kept']}"
        for row in table["rows"]:
            yield "  " + json_format.dumps(row, ensure_ascii=False)
    yield from held["when_the_person_goes"]
    yield held["not_searched"]
