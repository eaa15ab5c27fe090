"""The page about the API shows everything that the document says."""

import re
from html import unescape

import pytest
from django.test import Client

from cloud.api.document import document

DOCS = "/api/docs"


def read(**headers: str) -> str:
    return unescape(Client().get(DOCS, headers=headers).content.decode())


def test_every_resource_parameter_and_field_is_there() -> None:
    text = read()

    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            names = [parameter["name"] for parameter in operation["parameters"] if "name" in parameter]
            assert f"{method.upper()} {path}" in text
            assert operation["summary"] in text
            assert [name for name in names if f"<code>{name}</code>" not in text] == []
    schemas = document()["components"]["schemas"]
    answers = (schema for title, schema in schemas.items() if not title.endswith("Error"))
    fields = {name for schema in answers for name in schema["properties"]}
    shown = {name.rpartition(".")[2].removesuffix("[]") for name in re.findall(r"<code>([\w.\[\]]+)</code>", text)}
    assert fields - shown == set()


def test_every_field_says_of_which_object_it_is() -> None:
    assert "<code>users[].github_com_login</code>" in read()
    assert "<code>server_instances[].last_sync.status</code>" in read()


def test_errors_that_only_one_resource_has_are_there() -> None:
    _before, section = read().split('id="add-server-usage"')

    own = section.partition("</section>")[0]

    assert all(code in own for code in ("unknown_server", "payload_too_large", "older_than_held"))


def test_types_are_said_in_words() -> None:
    kinds = re.findall(r'<td data-label="Type" lang="en">(.*?)</td>', read())

    assert {"integer", "boolean or null", "list of strings", "list of objects", "object"} <= set(kinds)
    assert "any" not in kinds


def test_frame_is_translated_and_the_document_is_not() -> None:
    text = read(**{"Accept-Language": "fr"})

    assert "Champs de la réponse" in text
    assert "List consumed licenses" in text


@pytest.mark.parametrize("path", [DOCS, "/api/openapi.json"])
def test_only_reading_is_allowed(path: str) -> None:
    assert Client().post(path).status_code == 405
