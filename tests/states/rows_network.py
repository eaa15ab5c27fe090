"""What stands between a server and its cloud: names, ports, certificates, proxies, portals, and silence."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.proxy import Exchange, lose_answer, never, says
from tests.proxies.proxies import ForwardProxy, tls_reverse_proxy, write_certificates
from tests.states.rows import failure
from tests.states.scene import Scene
from tests.support.hosts import free_port

OPEN = ("POST", r"/license-syncs$")
PART = ("PUT", r"/parts/1$")
NOWHERE = "https://cloud.invalid"


def _certificates(scene: Scene) -> tuple[Path, Path]:
    folder = Path(scene.stack.enter_context(TemporaryDirectory()))
    return write_certificates(folder, "localhost", "cloud.invalid")


@failure("dns")
def name_does_not_resolve(scene: Scene) -> None:
    """The name of the cloud is not known to the server's resolver."""
    scene.find_cloud_at(NOWHERE)
    scene.sync()


@failure("refused")
def nobody_listens(scene: Scene) -> None:
    """Nothing listens at the port of the cloud: it is stopped, or a firewall answers for it."""
    scene.find_cloud_at(f"http://127.0.0.1:{free_port()}")
    scene.sync()


@failure("tls")
def certificate_of_somebody_else(scene: Scene) -> None:
    """A proxy that inspects TLS shows a certificate of an authority that the server does not trust."""
    _authority, chain = _certificates(scene)
    port = scene.stack.enter_context(tls_reverse_proxy(chain, scene.line.server_port))
    scene.find_cloud_at(f"https://localhost:{port}")
    scene.sync()


@failure("proxy")
def proxy_refuses(scene: Scene) -> None:
    """The proxy answers CONNECT with an error: it does not let this server through to the cloud."""
    _through_proxy(scene, "octo:right")


@failure("proxy_auth")
def proxy_wants_another_password(scene: Scene) -> None:
    """The proxy answers 407: it wants another user and password."""
    _through_proxy(scene, "octo:wrong")


def _through_proxy(scene: Scene, login: str) -> None:
    """Behind a proxy that takes the password ``right`` and knows no way to any host."""
    port = scene.stack.enter_context(ForwardProxy("octo", "right", {}).serving())
    scene.configure(HTTPS_PROXY=f"http://{login}@127.0.0.1:{port}")
    scene.find_cloud_at(NOWHERE)
    scene.sync()


@failure("timeout")
def cloud_is_silent(scene: Scene) -> None:
    """The connection stands, and no answer comes."""
    scene.be_impatient()
    scene.line.on(*OPEN, never)
    scene.sync()


@failure("other")
def line_breaks(scene: Scene) -> None:
    """The connection breaks before the answer is there."""
    scene.line.on(*OPEN, lose_answer)
    scene.sync()


@failure("too_large")
def endless_answer(scene: Scene) -> None:
    """Something answers with megabytes."""
    scene.line.on(*OPEN, says(200, " " * 2 * 1024 * 1024, "application/json"))
    scene.sync()


@failure("not_ours")
def captive_portal(scene: Scene) -> None:
    """A sign-in page of the network answers in place of the cloud."""
    scene.line.on(*OPEN, says(200, "<h1>Welcome to our guest network</h1>"))
    scene.sync()


@failure("payload_too_large")
def proxy_takes_no_large_parts(scene: Scene) -> None:
    """A proxy before the cloud answers 413 to a part."""
    scene.line.on(*PART, says(413, "<h1>Request Entity Too Large</h1>"))
    scene.sync_new_seats()


@failure("rate_limited")
def too_many_requests(scene: Scene) -> None:
    """The cloud answers 429, with Retry-After."""
    scene.line.on(*OPEN, says(429, "{}", "application/json", Retry_After="1800"))
    scene.sync()


@failure("server_error")
def cloud_is_down_behind_its_proxy(scene: Scene) -> None:
    """The proxy before the cloud answers 502: there is nobody behind it."""
    scene.line.on(*OPEN, says(502, "<h1>Bad Gateway</h1>"))
    scene.sync()


@failure("unknown")
def later_cloud(scene: Scene) -> None:
    """A cloud of a later version refuses for a reason that this server has no word for."""
    scene.line.on(*OPEN, says(409, '{"message": "No", "code": "A reason of tomorrow"}', "application/json"))
    scene.sync()


@failure("part_digest")
def part_is_changed_on_its_way(scene: Scene) -> None:
    """Something on the way changes the bytes of a part."""
    scene.line.on(*PART, _cut)
    scene.sync_new_seats()


def _cut(exchange: Exchange) -> None:
    exchange.change(exchange.body[:-1], names_it=False)
    exchange.reply(exchange.forward())
