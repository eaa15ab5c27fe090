"""Fills an empty database with the demo world."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from config.celery import app
from config.demo.building import BILLING_MANAGER, CLOUD, OWNER, WEEKS, Sizes, build_demo
from enterprises.models import Enterprise, User


class Command(BaseCommand):
    """Build the world of config.demo."""

    help = "Fills an empty database with the demo world; the same seed and sizes give the same world."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Sizes, seed, reset."""
        sizes = Sizes()
        parser.add_argument("--servers", type=int, default=sizes.servers, help="servers that have synced (default: 3)")
        parser.add_argument("--seats", type=int, default=sizes.seats, help="license-consuming seats on all of them")
        parser.add_argument("--members", type=int, default=sizes.members, help="licenses on the cloud account")
        parser.add_argument("--seed", type=int, default=sizes.seed, help="the world's number (default: 7)")
        parser.add_argument("--reset", action="store_true", help="delete every enterprise and demo person first")

    def handle(self, *, reset: bool, **options: Any) -> None:
        """Build, or say why not."""
        sizes = Sizes(**{name: options[name] for name in ("servers", "seats", "members", "seed")})
        if min(sizes.servers, sizes.seats, sizes.members) < 1:
            raise CommandError("The demo world needs at least one server, one seat and one member.")
        if reset:
            self._reset()
        if Enterprise.objects.exists():
            raise CommandError("The database is not empty: --reset deletes what is there.")
        # The story does at once what it would ask workers to do; nobody needs to hear of it.
        app.conf.update(broker_url="memory://localhost/")
        with without_the_intended_warning(), tqdm(total=WEEKS, disable=None, desc="demo world", unit="week") as bar:
            demo = build_demo(sizes=sizes, at=timezone.now(), on_week=bar.update)
        self.stdout.write(
            f"The demo world of {CLOUD} is ready. Sign in as {OWNER} with the password {demo.password} (printed once)."
        )

    @staticmethod
    @transaction.atomic
    def _reset() -> None:
        Enterprise.objects.all().delete()
        User.objects.filter(username__in=(OWNER, BILLING_MANAGER)).delete()


@contextmanager
def without_the_intended_warning() -> Iterator[None]:
    """One server of the story fails to sync. A warning as the first line of the first start would be misread."""
    outcomes = logging.getLogger("licensesync.syncing.outcomes")
    before = outcomes.level
    outcomes.setLevel(logging.ERROR)
    try:
        yield
    finally:
        outcomes.setLevel(before)
