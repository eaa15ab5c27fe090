"""The page that people read about the API, made of the OpenAPI document by the server: no script reads it anew."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cloud.api.addresses import PREFIX, page_address
from cloud.api.document import document


@dataclass(frozen=True, kw_only=True)
class Row:
    """A parameter, or a field of an answer: ``servers[].hostname``, its type and what it means."""

    name: str
    kind: str
    text: str


_EXAMPLES: Final = {"enterprise": "octo", "person": 42, "server": 17, "statement": 12, "upload": 5}
"""Parts of an address in the commands that the page shows."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as the page shows it; ``example`` is an answer as it is indented for reading.

    ``errors`` are those that it does not share with all others.
    """

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Row, ...]
    fields: tuple[Row, ...]
    errors: tuple[dict[str, str], ...]
    curl: str
    example: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """The resources under one heading."""

    heading: str
    resources: tuple[Resource, ...]


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Show every resource with its parameters, the fields of its answer, and an example."""
    described = document()
    base = page_address(request, PREFIX.strip("/"))
    context = {
        "is_wide": True,
        "described": described,
        "base": base,
        "groups": _groups(described, base),
        "headers": [_row(facts) for facts in described["components"]["parameters"].values()],
        "errors": [_error(answer) for answer in described["components"]["responses"].values()],
    }
    return render(request, "cloud/api_reference.html", context)


def _groups(described: dict[str, Any], base: str) -> list[Group]:
    found: dict[str, list[Resource]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            resource = _resource(described, base, path, method, operation)
            found.setdefault(operation["tags"][0], []).append(resource)
    return [Group(heading=tag, resources=tuple(resources)) for tag, resources in found.items()]


def _resource(described: dict[str, Any], base: str, path: str, method: str, operation: dict[str, Any]) -> Resource:
    answer = _success(operation)
    parameters = [_row(facts) for facts in operation["parameters"] if "$ref" not in facts]
    return Resource(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        parameters=tuple(parameters),
        fields=tuple(_fields(described, answer["schema"])),
        errors=tuple(map(_error, _own_errors(operation))),
        curl=_curl(base + path.format(**_EXAMPLES), method, operation),
        example=json.dumps(answer["example"], indent=2, ensure_ascii=False),
    )


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    """What it answers where nothing went wrong; every operation has one such answer."""
    first = next(answer for status, answer in operation["responses"].items() if 200 <= int(status) < 300)
    content: dict[str, Any] = first["content"]["application/json"]
    return content


def _own_errors(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for status, answer in sorted(operation["responses"].items()):
        if int(status) >= 400 and "content" in answer:
            yield answer


def _curl(address: str, method: str, operation: dict[str, Any]) -> str:
    """The command for it; a body is a file."""
    options = ['-H "Authorization: Bearer $TOKEN"']
    if "requestBody" in operation:
        # It is streamed, unlike with --data-binary, for which curl reads the whole file first.
        options.append("-T usage.json")
    if method != "get":
        options.append(f"-X {method.upper()}")
    return f'curl {" ".join(options)} "{address}"'


def _row(facts: dict[str, Any]) -> Row:
    return Row(name=facts["name"], kind=_kind(facts["schema"]), text=facts.get("description", ""))


def _error(answer: dict[str, Any]) -> dict[str, str]:
    example = answer["content"]["application/json"]["example"]
    return {
        "status": example["status"],
        "code": example["code"],
        "message": example["message"],
        "text": answer["description"],
    }


def _fields(described: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[Row]:
    """Every field below a schema, those of objects and lists of objects after the field itself."""
    shape = _shape(described, schema)
    for name, facts in shape.get("properties", {}).items():
        inner = _inner(facts)
        below = _shape(described, inner or {})
        path = f"{prefix}{name}{'[]' if _is_list(facts) else ''}"
        yield Row(name=path, kind=_kind(facts), text=facts.get("description") or below.get("description", ""))
        if inner:
            yield from _fields(described, inner, f"{path}.")


def _shape(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    shape: dict[str, Any] = described["components"]["schemas"][name] if name else schema
    return shape


def _inner(facts: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the object that a field holds, holds a list of, or may hold."""
    options = [facts, *facts.get("anyOf", ())]
    held = [*options, *(option.get("items", {}) for option in options)]
    return next((schema for schema in held if "$ref" in schema), None)


def _is_list(facts: dict[str, Any]) -> bool:
    return any(option.get("type") == "array" for option in (facts, *facts.get("anyOf", ())))


def _kind(schema: dict[str, Any]) -> str:
    """The type in a word or two: ``integer``, ``string or null``, ``list of strings``, ``one of a, b``."""
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return "list of " + _kind(schema["items"]) + "s"
    return "object" if "$ref" in schema else str(schema.get("type", "any"))
