"""The world of the rows, made once for all of them, and a copy of it for each; or a world of its own that commits."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.states.scene import Scene, copy_of, running_world
from tests.support.shared_rows import shared_rows


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Scene]:
    with shared_rows(django_db_blocker), django_db_blocker.unblock(), running_world() as world:
        yield world


@pytest.fixture
def scene(world: Scene, db: None) -> Iterator[Scene]:
    copy = copy_of(world)
    yield copy
    copy.end()


@pytest.fixture
def lasting_scene(transactional_db: None) -> Iterator[Scene]:
    with running_world() as scene:
        yield scene
        scene.end()
