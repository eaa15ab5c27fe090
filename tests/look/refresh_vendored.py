"""Fetches the vendored front-end files anew and writes the list that a test checks.

Run it as `python -m tests.look.refresh_vendored` after changing a version below; it needs npm, the console never does.
Each package is fetched once with `npm pack`, its files are copied as they are, and two things are changed on the way:
the comment that names a source map goes (the manifest storage refuses a map that is missing), and icons get the
attributes that make them decoration. Files that belong together are joined into one, so that a page needs few requests.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "static/vendor/VENDORED.md"
VENDOR = "static/vendor"
OCTICONS = "templates/components/octicons"
FONTS = "cloud/statements/fonts"

ICON_NAMES = """
alert arrow-left arrow-right check check-circle chevron-right clock cloud code copy credit-card dash dot-fill download
eye file filter gear git-merge globe history home hourglass info key light-bulb link link-external lock log mail
organization paper-airplane pencil people person plug plus question search server shield shield-check sign-in sign-out
stop sync three-bars trash triangle-down unlink upload verified x x-circle
"""

HEADER = """\
# Vendored front-end files

Other people's files, kept here so that the console needs no Node and asks no other host. `tests/look/test_vendored.py`
compares every file with this list; `python -m tests.look.refresh_vendored` writes both anew. Changed on the way: the
comment that names a source map is removed, files marked with several sources are joined in that order, icons get
`class="octicon" aria-hidden="true"`.

| file | package | version | license | made from | sha256 |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Package:
    """One npm package: its license, and the files to take from it as (target, sources joined in this order)."""

    name: str
    version: str
    license: str
    files: tuple[tuple[str, tuple[str, ...]], ...]


def primitives() -> tuple[str, ...]:
    """The design tokens in the order in which the package itself imports them, then the two themes."""
    base = ("motion/motion", "size/size", "size/z-index", "typography/typography")
    sizes = ("border", "breakpoints", "radius", "size-coarse", "size-fine", "size", "z-index")
    functional = ("motion/motion", *(f"size/{size}" for size in sizes), "spacing/space", "typography/typography")
    return (
        *(f"dist/css/base/{name}.css" for name in base),
        *(f"dist/css/functional/{name}.css" for name in functional),
        "dist/css/functional/themes/light.css",
        "dist/css/functional/themes/dark.css",
    )


def icon_files() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((f"{OCTICONS}/{name}.svg", (f"build/svg/{name}-16.svg",)) for name in sorted(ICON_NAMES.split()))


PACKAGES = (
    Package(
        "@primer/primitives",
        "11.10.0",
        "MIT",
        (
            (f"{VENDOR}/primer/primitives.css", primitives()),
            (f"{VENDOR}/licenses/primer-primitives.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "@primer/css",
        "22.3.2",
        "MIT",
        (
            (f"{VENDOR}/primer/core.css", ("dist/core.css",)),
            (f"{VENDOR}/licenses/primer-css.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "@primer/view-components",
        "0.51.2",
        "MIT",
        (
            (f"{VENDOR}/primer/view-components.css", ("app/assets/styles/primer_view_components.css",)),
            (f"{VENDOR}/licenses/primer-view-components.txt", ("LICENSE.txt",)),
        ),
    ),
    Package(
        "@primer/octicons",
        "19.42.0",
        "MIT",
        (*icon_files(), (f"{VENDOR}/licenses/primer-octicons.txt", ("LICENSE",))),
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "0BSD",
        (
            (f"{VENDOR}/htmx/htmx.min.js", ("dist/htmx.min.js",)),
            (f"{VENDOR}/licenses/htmx.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "@github/relative-time-element",
        "5.3.1",
        "MIT",
        (
            (f"{VENDOR}/relative-time/relative-time-element.js", ("dist/bundle.js",)),
            (f"{VENDOR}/licenses/relative-time-element.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        (
            (f"{VENDOR}/uplot/uplot.min.js", ("dist/uPlot.iife.min.js",)),
            (f"{VENDOR}/uplot/uplot.min.css", ("dist/uPlot.min.css",)),
            (f"{VENDOR}/licenses/uplot.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "dejavu-fonts-ttf",
        "2.37.3",
        "Bitstream Vera",
        (
            (f"{FONTS}/DejaVuSansCondensed.ttf", ("ttf/DejaVuSansCondensed.ttf",)),
            (f"{FONTS}/DejaVuSansCondensed-Bold.ttf", ("ttf/DejaVuSansCondensed-Bold.ttf",)),
            (f"{FONTS}/LICENSE.txt", ("LICENSE",)),
        ),
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        (
            ("tests/vendor/axe/axe.min.js", ("axe.min.js",)),
            ("tests/vendor/axe/LICENSE.txt", ("LICENSE",)),
            ("tests/vendor/axe/LICENSE-3RD-PARTY.txt", ("LICENSE-3RD-PARTY.txt",)),
        ),
    ),
)


def fetch(package: Package, folder: Path) -> tarfile.TarFile:
    """Lets npm download the package's archive into the folder, and opens it."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package.name}@{package.version}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return tarfile.open(folder / answer.stdout.strip().splitlines()[-1])


def read_bytes(archive: tarfile.TarFile, source: str) -> bytes:
    member = archive.extractfile(f"package/{source}")
    if member is None:
        raise FileNotFoundError(source)
    return member.read()


def read(archive: tarfile.TarFile, source: str) -> str:
    text = read_bytes(archive, source).decode()
    return re.sub(r"\s*(?:/\*|//)# sourceMappingURL=\S+(?: \*/)?\s*$", "\n", text)


def as_decoration(svg: str) -> str:
    """An icon is decoration: the words beside it say what it means."""
    bare = svg.strip().replace('xmlns="http://www.w3.org/2000/svg" ', "")
    return bare.replace("<svg ", '<svg class="octicon" aria-hidden="true" fill="currentColor" ', 1)


def write(package: Package, archive: tarfile.TarFile) -> Iterator[str]:
    """Writes the package's files and yields their lines for the list."""
    for target, sources in package.files:
        path = ROOT / target
        path.parent.mkdir(parents=True, exist_ok=True)
        if target.startswith(FONTS):
            path.write_bytes(b"".join(read_bytes(archive, source) for source in sources))
        else:
            text = "".join(read(archive, source) for source in sources)
            if target.startswith(OCTICONS):
                text = as_decoration(text)
            path.write_text(text, encoding="utf-8", newline="\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        made_from = ", ".join(source.removeprefix("dist/css/") for source in sources)
        yield f"| {target} | {package.name} | {package.version} | {package.license} | {made_from} | {digest} |\n"


def main() -> None:
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            with fetch(package, Path(folder)) as archive:
                lines.extend(write(package, archive))
            sys.stdout.write(f"{package.name} {package.version}\n")
    LIST.write_text(HEADER + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
