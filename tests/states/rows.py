"""The rows of the table of states: what brings a state or a failure about, and what is seen of it then."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from django.test.html import Element

from licensesync.models import SyncJob
from tests.states import pages
from tests.states.pages import Said
from tests.states.scene import Scene

Cause = Callable[[Scene], None]


@dataclass(frozen=True)
class Row:
    """A state or a failure by its code, what brings it about in one sentence, and how what is said of it is read.

    One that ``commits`` breaks a transaction for good, and so has a world of its own.
    """

    code: str
    cause: Cause
    read: Callable[[Scene], Said]
    is_state: bool = False
    commits: bool = False

    @property
    def happened(self) -> str:
        """What happened, in a sentence."""
        return " ".join((self.cause.__doc__ or "").split())

    def __str__(self) -> str:
        return f"{'state' if self.is_state else 'failure'}-{self.code}"


ROWS: list[Row] = []


def state(code: str) -> Callable[[Cause], Cause]:
    """Declare what brings a state about; its docstring is the sentence of the table."""
    return _declare(code, read_state, is_state=True)


def failure(
    code: str, read: Callable[[Scene], Said] | None = None, *, commits: bool = False
) -> Callable[[Cause], Cause]:
    """Declare what brings a failure about, which is read on the License page unless told otherwise."""
    return _declare(code, read or read_failure, commits=commits)


def _declare(code: str, read: Callable[[Scene], Said], **options: bool) -> Callable[[Cause], Cause]:
    def declare(cause: Cause) -> Cause:
        ROWS.append(Row(code, cause, read, **options))
        return cause

    return declare


def read_state(scene: Scene) -> Said:
    """Read a state on both pages and from the command, which must say the same."""
    said = pages.status(scene.slug)
    box = _sync_box(scene)
    label = pages.words(pages.of_class(box, "StateLabel")[0])
    page = scene.reader.open(scene.page("connection"))
    blank = pages.of_class(page, "Blank")
    # Where files are carried, the page says so beside the offer to connect.
    if blank and not said["state"].startswith("file_"):
        return _face(said["state"], label, blank[0], pages.of_class(page, "Panel")[0])
    (notice, *_others) = pages.of_class(page, "Notice")
    shown = pages.words(notice)
    for text in (label, said["reason"], said["next_step"]):
        assert text in shown, f"the GitHub Connect page does not say: {text}"
    return Said(
        said["state"],
        label,
        said["reason"],
        said["next_step"],
        tuple(dict.fromkeys(pages.offers(notice) + _header_offers(box))),
    )


def _face(code: str, label: str, blank: Element, panel: Element) -> Said:
    """What the GitHub Connect page shows in place of a connection, and of the one that was before."""
    title = pages.words(pages.of_class(blank, "Blank-title")[0])
    (text, *_others) = pages.of_class(blank, "Blank-text")
    rows = [pages.named(each, "p")[0] for each in pages.of_class(panel, "Box-row")]
    former = [str(child) for row in rows for child in row.children if not isinstance(child, Element)]
    return Said(code, label, " ".join([f"{title}.", pages.words(text), *former]), "", pages.offers(blank))


def read_no_seats(scene: Scene) -> Said:
    """Read what both pages say before there is anything to sync: nothing failed yet, so it is no failure there."""
    return replace(read_state(scene), code=code_of(scene), label="")


def read_failure(scene: Scene) -> Said:
    """Read why the last sync did not arrive: on the License page, the GitHub Connect page and from the command."""
    box = _sync_box(scene)
    (notice,) = pages.of_class(box, "Notice--error")
    sentence = pages.words(pages.named(notice, "strong")[0])
    said = pages.status(scene.slug)
    assert said["reason"] == sentence, f"the command says: {said['reason']}"
    assert said["next_step"] in pages.words(notice), f"the License page does not say: {said['next_step']}"
    connection = pages.words(scene.reader.open(scene.page("connection")))
    assert sentence in connection
    assert said["next_step"] in connection
    again = "Next try" in pages.words(box)
    return Said(
        code_of(scene),
        "",
        sentence,
        said["next_step"],
        tuple(dict.fromkeys(pages.offers(notice) + _header_offers(box))),
        again,
    )


def read_decision(scene: Scene) -> Said:
    """Read a failure, and the choices on the page where an owner decides."""
    said = read_failure(scene)
    return replace(said, offers=(*said.offers, *_choices(scene.reader.open(scene.page("decision")))))


def read_existing(scene: Scene) -> Said:
    """Read the page of an owner whose server was kept out by a connection that exists already."""
    assert scene.address == scene.page("decision")
    page = scene.reader.open(scene.address)
    title, sentence = (pages.words(next(iter(pages.named(page, name)))) for name in ("h1", "p"))
    steps = " ".join(pages.words(each) for each in pages.named(pages.named(page, "ol")[0], "li"))
    return Said("", title, sentence, steps, _choices(page))


def _choices(page: Element) -> tuple[str, ...]:
    choices = [pages.offers(each) for each in pages.of_class(page, "Panel") if not pages.named(each, "table", "dl")]
    return tuple(dict.fromkeys(each for offers in choices for each in offers))


def read_run(scene: Scene) -> Said:
    """Read how the last run ended, in the list of runs: people ended it, so nothing failed."""
    (result, *_older) = [
        each for each in pages.named(_sync_box(scene), "td") if pages.attribute(each, "data-label") == "Result"
    ]
    label = pages.words(pages.of_class(result, "StateLabel")[0])
    return Said(code_of(scene), label, pages.words(pages.named(result, "small")[0]))


def read_file(scene: Scene) -> Said:
    """Read what became of the last usage file, in the list of files."""
    page = scene.reader.open(scene.page("usage_file"))
    (became, *_older) = [
        each for each in pages.named(page, "td") if pages.attribute(each, "data-label") == "What became of it"
    ]
    label = pages.words(pages.of_class(became, "StateLabel")[0])
    return Said(code_of(scene), label, pages.words(pages.named(became, "small")[0]))


def read_preview(scene: Scene) -> Said:
    """Read how the last preview ended, on its own page."""
    page = scene.reader.open(scene.page("preview"))
    (ended,) = [each for each in pages.of_class(page, "Notice") if not pages.named(each, "a")]
    job = SyncJob.objects.filter(connection=scene.connection, kind=SyncJob.Kind.PREVIEW).latest("pk")
    return Said(job.error_code, "", pages.words(ended))


def read_command(scene: Scene) -> Said:
    """Read what a command refused with."""
    return Said("", "", scene.refusal)


def read_problem(scene: Scene) -> Said:
    """Read why a setup did not end in a connection, at the address that the owner's browser was sent to."""
    page = scene.reader.open(scene.address)
    (problem,) = [each for each in pages.of_class(page, "Panel--danger") if pages.attribute(each, "role") == "alert"]
    title = pages.words(pages.of_class(problem, "Box-title")[0])
    sentence = pages.words(pages.named(problem, "p")[0])
    steps = " ".join(pages.words(each) for each in pages.named(problem, "li"))
    (code,) = parse_qs(urlsplit(scene.address).query)["problem"]
    return Said(code, title, sentence, steps)


def code_of(scene: Scene) -> str:
    """Return the code that the last sync failed with."""
    return SyncJob.objects.filter(connection=scene.connection).latest("pk").error_code


def _sync_box(scene: Scene) -> Element:
    page = scene.reader.open(scene.page("license"))
    return next(pages.nodes(page, lambda element: pages.attribute(element, "id") == "license-sync"))


def _header_offers(box: Element) -> tuple[str, ...]:
    """The button that counts; whatever else may be done stands beside it and is no next step."""
    (header,) = pages.of_class(box, "Panel-header")[:1]
    return tuple(map(pages.words, pages.of_class(header, "Button--primary")))
