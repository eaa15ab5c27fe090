"""The OpenAPI document: schemathesis asks whatever it allows, and every answer is as it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import URLPattern
from hypothesis import HealthCheck, given, settings
from openapi_schema_validator import OAS31Validator
from pytest_django import DjangoDbBlocker
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from cloud import usage_files
from cloud.api import urls
from cloud.services import open_ledger
from cloud.statements import make_now
from enterprises.models import Scope
from tests.cloud.refused_files import applied, new_server
from tests.cloud_api.examples import load_example
from tests.factories import (
    NOW,
    make_billing_manager,
    make_cloud_enterprise,
    make_server_enterprise,
    make_token,
    make_user,
)
from tests.support.shared_rows import shared_rows

DOCUMENT = "/api/openapi.json"
HEALTH = tuple(HealthCheck)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# By caller: how much is asked of each resource, what is among the answers to GET and what is never. Some requests leave
# the credential out.
CALLERS = [
    ("owner", 5, {200}, {403}),
    ("billing_manager", 2, set(), {403}),
    ("stranger", 2, {404}, {200, 304, 403}),
    ("nobody", 2, set(), {200, 304, 403, 404}),
]
# The same of whatever changes something.
ACTING = [
    ("owner", 5, {403}),
    ("billing_manager", 2, {200, 202}),
    ("stranger", 2, {200, 202, 403}),
    ("nobody", 2, {200, 202, 403, 404}),
]


@dataclass(frozen=True, kw_only=True)
class World:
    """Authorization headers by caller, and what the parts of an address may be."""

    tokens: Mapping[str, str]
    parts: Mapping[str, Sequence[object]]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The cloud account octo with the people of the contested example."""
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            owner, manager, stranger = map(make_user, ("olivia", "bill", "sam"))
            account = make_cloud_enterprise("octo", owner=owner)
            make_billing_manager(manager, account)
            make_server_enterprise("elsewhere", owner=stranger)
            ledger = open_ledger(enterprise=account, seats_purchased=100, at=NOW)
            load_example(ledger, "contested")
            applied(ledger, new_server())
            people = {"owner": owner, "billing_manager": manager, "stranger": stranger}
            secrets = {name: make_token(person, Scope.ADMIN_ENTERPRISE)[1] for name, person in people.items()}
            parts: dict[str, list[object]] = {
                "enterprise": ["octo"],
                "person": [*ledger.licenses.values_list("pk", flat=True)[:5], 0],
                "statement": [*(make_now(ledger=ledger, by=None, at=NOW).pk for _ in range(5)), 0],
                "upload": [usage_files.uploads_of(ledger).get().pk],
                "server": [*ledger.installations.values_list("pk", flat=True), 0, "x"],
            }
        tokens = {name: f"Bearer {secret}" for name, secret in secrets.items()} | {"nobody": "Bearer lss_none"}
        yield World(tokens=tokens, parts=parts)


@pytest.fixture(scope="module")
def document(world: World) -> dict[str, Any]:
    """What is served, by which a field that is not named is an error, and addresses are mostly of things that exist."""
    document: dict[str, Any] = Client().get(DOCUMENT).json()
    for schema in document["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
    for _label, operation in operations_of(document):
        for parameter in operation["parameters"]:
            if parameter.get("in") == "path":
                parameter["schema"] = {"enum": world.parts[parameter["name"]]}
    return document


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.fixture
def app() -> Iterator[WSGIHandler]:
    """The console as servers call it, within the test's transaction: a request does not end its connection."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in signals:
        signal.connect(close_old_connections)


def root_api_patterns() -> list[URLPattern]:
    patterns, _, _ = urls.root_api.urls
    return [pattern for pattern in patterns if isinstance(pattern, URLPattern)]


def operations(document: dict[str, Any], app: WSGIHandler) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


def asked(operation: Any, credential: str, most: int) -> set[int]:
    """The statuses of what schemathesis asks, after making sure that each answer is as the document says."""
    statuses: set[int] = set()
    anything = operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(max_examples=most, derandomize=True, database=None, deadline=None, suppress_health_check=HEALTH)
    @given(case=anything)
    def ask(case: Any) -> None:
        response = case.call(headers={"Authorization": credential})
        case.validate_response(response, checks=CHECKS)
        statuses.add(response.status_code)

    ask()
    return statuses


@pytest.mark.sqlite
@pytest.mark.parametrize(("caller", "most", "some", "never"), CALLERS)
def test_every_answer_is_as_described(
    caller: str,
    most: int,
    some: set[int],
    never: set[int],
    world: World,
    document: dict[str, Any],
    app: WSGIHandler,
    db: None,
) -> None:
    reading = (each for each in operations(document, app) if each.label.startswith("GET "))
    found = {each.label: asked(each, world.tokens[caller], most) for each in reading}

    assert {label: statuses for label, statuses in found.items() if not statuses >= some or statuses & never} == {}


@pytest.mark.sqlite
@pytest.mark.parametrize(("caller", "most", "never"), ACTING)
def test_every_answer_to_what_changes_something_is_as_described(
    caller: str,
    most: int,
    never: set[int],
    world: World,
    document: dict[str, Any],
    app: WSGIHandler,
    db: None,
) -> None:
    acting = (each for each in operations(document, app) if not each.label.startswith("GET "))
    found = {each.label: asked(each, world.tokens[caller], most) for each in acting}

    assert len(found) == 3
    assert {label: statuses for label, statuses in found.items() if statuses & never} == {}


def test_examples_are_what_their_schemas_say(document: dict[str, Any]) -> None:
    wrong = []
    for label, operation in operations_of(document):
        answers = [answer["content"] for answer in operation["responses"].values() if "content" in answer]
        for content in (answer["application/json"] for answer in answers):
            validator = OAS31Validator(content["schema"] | {"components": document["components"]})
            wrong += [f"{label}: {error.message}" for error in validator.iter_errors(content["example"])]

    assert wrong == []


def test_document_has_every_resource_that_a_persons_token_reads(document: dict[str, Any]) -> None:
    described = set(document["paths"])

    answered = {
        f"/{pattern.pattern}".replace("<", "{").replace(">", "}")
        for pattern in root_api_patterns()
        if str(pattern.pattern).startswith("enterprises/") and pattern.name != "connect_directly"
    }
    assert answered == described
