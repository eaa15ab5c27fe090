"""What happens on the way between the two: answers are lost, doubled, late, or come from something else."""

from collections.abc import Iterator

from tests.faults.proxy import Fault, byte_by_byte, double, drop, hold, lose_answer, never, says
from tests.faults.rig import CONNECTION, SLUG
from tests.faults.rows import Scene, row

OPEN = ("POST", r"/license-syncs$")
# The second of several.
PART = ("PUT", r"/parts/2$")
COMMIT = ("POST", r"/commit$")
TOKEN = ("POST", r"/access_tokens$")


def _struck(scene: Scene, message: tuple[str, str], fault: Fault, code: str = "") -> int:
    """Ask for a sync whose message the fault strikes once; the job says ``code`` until its next attempt."""
    rule = scene.line.on(*message, fault)
    job_id = scene.request()
    rule.wait()
    if code:
        scene.wait_for_failure(job_id, code)
    return job_id


def _forget_token(scene: Scene) -> None:
    scene.server.ask("update", CONNECTION, {"token_expires_at": None}, server__enterprise__slug=SLUG)


@row("answer of open lost")
def open_lost(scene: Scene) -> None:
    _struck(scene, OPEN, lose_answer, "other")


@row("answer of part lost")
def part_lost(scene: Scene) -> None:
    _struck(scene, PART, lose_answer, "other")


@row("part itself lost")
def part_dropped(scene: Scene) -> None:
    _struck(scene, PART, drop, "other")


@row("answer of commit lost")
def commit_lost(scene: Scene) -> None:
    _struck(scene, COMMIT, lose_answer, "other")


@row("answer of token lost")
def token_lost(scene: Scene) -> None:
    _forget_token(scene)
    _struck(scene, TOKEN, lose_answer, "other")


@row("the same message twice: open, part, commit")
def twice(scene: Scene) -> None:
    rules = [scene.line.on(*message, double) for message in (OPEN, PART, COMMIT)]
    scene.request()
    for rule in rules:
        rule.wait()
        assert {answer.status // 100 for answer in rule.answers} == {2}, [answer.status for answer in rule.answers]


@row("cloud answers 500")
def error_500(scene: Scene) -> None:
    _struck(scene, OPEN, says(500, "{}", "application/json"), "server_error")


@row("cloud answers 502 in HTML")
def error_502(scene: Scene) -> None:
    _struck(scene, PART, says(502, "<h1>Bad Gateway</h1>"), "server_error")


@row("cloud answers 429 with Retry-After")
def too_many(scene: Scene) -> None:
    job_id = _struck(scene, COMMIT, says(429, Retry_After="1800"), "rate_limited")
    assert scene.seconds_until_attempt(job_id) > 1700


@row("cloud answers 413", ends="payload_too_large")
def too_large(scene: Scene) -> None:
    _struck(scene, PART, says(413, "<h1>Request Entity Too Large</h1>"))


@row("cloud never answers")
def silent(scene: Scene) -> None:
    _struck(scene, COMMIT, never, "timeout")


@row("cloud answers byte by byte")
def slow(scene: Scene) -> None:
    """Each wait for the next byte is short, and all of them together are too long."""
    _struck(scene, OPEN, byte_by_byte(0.2), "timeout")


@row("cloud answers with a redirect")
def redirect(scene: Scene) -> None:
    _struck(scene, OPEN, says(307, Location=f"{scene.line.url}/elsewhere"), "not_ours")
    assert not any("/elsewhere" in request for request in scene.line.seen(""))


@row("cloud shows another certificate")
def certificate(scene: Scene) -> Iterator[None]:
    with scene.rig.another_certificate():
        scene.server.ask("update", CONNECTION, {"cloud_url": scene.rig.tls_url}, server__enterprise__slug=SLUG)
        scene.wait_for_failure(scene.request(), "tls")
    yield
    (held,) = scene.server.ask("rows", CONNECTION, "cloud_url", server__enterprise__slug=SLUG)
    assert held["cloud_url"] == scene.rig.tls_url
    scene.server.ask("update", CONNECTION, {"cloud_url": scene.line.url}, server__enterprise__slug=SLUG)


@row("token revoked in mid-sync")
def revoked(scene: Scene) -> None:
    _without_token(scene, "delete")


@row("token expired in mid-sync")
def expired(scene: Scene) -> None:
    _without_token(scene, "update", {"expires_at": "2000-01-01T00:00Z"})


def _without_token(scene: Scene, call: str, *changes: object) -> None:
    """The token is gone when a part comes; the server renews it once, and needs no second attempt."""
    rule = scene.line.on(*PART, hold)
    job_id = scene.request()
    rule.wait()
    assert scene.cloud.ask(call, "cloud.AppToken", *changes) > 0
    rule.end()
    scene.rig.settle()
    assert scene.rig.job(job_id, "attempts") == {"attempts": 1}


@row("clock of the server 10 minutes ahead")
def server_ahead(scene: Scene) -> Iterator[None]:
    return _apart(scene, server=600)


@row("clock of the server 10 minutes behind")
def server_behind(scene: Scene) -> Iterator[None]:
    return _apart(scene, server=-600)


@row("clock of the cloud 10 minutes ahead")
def cloud_ahead(scene: Scene) -> Iterator[None]:
    return _apart(scene, cloud=600)


@row("clock of the cloud 10 minutes behind")
def cloud_behind(scene: Scene) -> Iterator[None]:
    return _apart(scene, cloud=-600)


def _apart(scene: Scene, server: float = 0, cloud: float = 0) -> Iterator[None]:
    """The server signs anew by the time of the cloud's answer, and needs no second attempt."""
    _forget_token(scene)
    scene.server.move_clock(scene.server.offset + server)
    scene.cloud.move_clock(scene.cloud.offset + cloud)
    # What a web server stamps on its answers.
    scene.line.seconds_off = scene.cloud.offset
    asked = len(scene.line.seen(scene.rig.installation()["id"]))
    job_id = scene.request()
    scene.rig.settle()
    assert scene.rig.job(job_id, "attempts") == {"attempts": 1}
    tokens = [each for each in scene.line.seen(scene.rig.installation()["id"])[asked:] if "access_tokens" in each]
    assert len(tokens) == 2, tokens
    yield
    scene.server.move_clock(scene.server.offset - server)
    scene.cloud.move_clock(scene.cloud.offset - cloud)
