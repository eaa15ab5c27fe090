"""What several of these tests send."""

from tests.factories import PASSWORD

OCTO_SETUP = {
    "username": "olivia",
    "password": PASSWORD,
    "name": "Octo Inc.",
    "slug": "octo",
    "deployment": "server",
    "hostname": "octo.example",
}
