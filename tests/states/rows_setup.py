"""Why a setup of GitHub Connect did not end in a connection."""

from urllib.parse import parse_qs, urlencode, urlsplit

from django.utils import timezone

from cloud.handshake import give_code
from connect import handshake
from enterprises.models import Scope
from tests.factories import make_token
from tests.faults.proxy import Exchange, lose_answer, says
from tests.states.rows import failure, read_command, read_existing, read_problem
from tests.states.scene import Scene
from tests.support.line import connect, make_server

CONVERSION = ("POST", r"/conversions$")


def _begin(scene: Scene) -> tuple[str, str]:
    """Press Enable GitHub Connect; return the manifest and the state that the browser carries to the cloud."""
    query = parse_qs(urlsplit(scene.press("connection_enable", cloud_url=scene.line.url)).query)
    return query["manifest"][0], query["state"][0]


def _come_back(scene: Scene, **carried: str) -> None:
    scene.address = scene.reader.follow(scene.page("connection_complete", f"?{urlencode(carried)}"))


def _consent(scene: Scene, manifest: str) -> str:
    return give_code(manifest_jws=manifest, account=scene.ledger.enterprise, by=scene.owner, at=timezone.now())


@failure("connection_exists", read_existing)
def same_name(scene: Scene) -> None:
    """While the owner was on the cloud, another server of the same host name was connected to the account."""
    other = scene.new_server()
    manifest, state = _begin(scene)
    code = _consent(scene, manifest)
    connect(
        make_server("ghes3", hostname=other.hostname, owner=scene.owner), scene.ledger.enterprise, owner=scene.owner
    )
    _come_back(scene, code=code, state=state)


@failure("code_invalid", read_problem)
def wrong_code(scene: Scene) -> None:
    """The code that the browser brought back is not one of the cloud's, or was used."""
    scene.new_server()
    _manifest, state = _begin(scene)
    _come_back(scene, code="used-or-made-up", state=state)


@failure("state_mismatch", read_problem)
def other_session(scene: Scene) -> None:
    """The browser brought back an answer to another attempt."""
    scene.new_server()
    manifest, _state = _begin(scene)
    _come_back(scene, code=_consent(scene, manifest), state="another")


@failure("setup_expired", read_problem)
def too_late(scene: Scene) -> None:
    """The browser came back after more than five minutes."""
    scene.new_server()
    manifest, state = _begin(scene)
    code = _consent(scene, manifest)
    scene.pass_time(minutes=6)
    _come_back(scene, code=code, state=state)


@failure("setup_cancelled", read_problem)
def cancelled_meanwhile(scene: Scene) -> None:
    """While the cloud was asked, somebody pressed Cancel the setup."""
    scene.new_server()
    manifest, state = _begin(scene)

    def cancel(exchange: Exchange) -> None:
        with scene.in_this_thread():
            assert handshake.cancel(connection=scene.connection)
        exchange.reply(exchange.forward())

    scene.line.on(*CONVERSION, cancel)
    _come_back(scene, code=_consent(scene, manifest), state=state)


@failure("other", read_problem)
def answer_lost(scene: Scene) -> None:
    """During the setup, the connection breaks before the cloud's answer is there."""
    scene.new_server()
    manifest, state = _begin(scene)
    scene.line.on(*CONVERSION, lose_answer)
    _come_back(scene, code=_consent(scene, manifest), state=state)


@failure("not_found", read_command)
def no_such_account(scene: Scene) -> None:
    """A command connects to an account that the token's owner has no role in."""
    server = scene.new_server().enterprise.slug
    _token, secret = make_token(scene.owner, Scope.ADMIN_ENTERPRISE)
    scene.command("connect_enterprise", server, "--account", "elsewhere", "--token", secret)


@failure("not_offered", read_command)
def older_cloud(scene: Scene) -> None:
    """A command gives the App a new key, and the cloud is of a version that knows nothing of that."""
    scene.line.on("PUT", "/app/key$", says(404, '{"message": "Not Found"}', "application/json"))
    scene.command("rotate_keys", "--app-keys", scene.slug)
