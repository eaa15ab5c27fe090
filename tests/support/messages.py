"""Extracts the texts to translate, and checks that the catalogues hold them all and are translated."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = Path("locale/fr/LC_MESSAGES/django.po")
# Nothing of ours to translate lies in these.
IGNORED = ("tests", "var", "static/vendor", ".venv", ".cache")
# Places and dates would change with every commit.
OPTIONS = ("--locale", "fr", "--no-location", "--no-obsolete", "--verbosity", "0")


def provide_gettext() -> None:
    """Debian's package where we may install it; otherwise one sentence."""
    if shutil.which("xgettext") and shutil.which("msgmerge"):
        return
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not as_root or shutil.which("sudo")):
        sys.stdout.write("gettext is not installed: installing Debian's package.\n")
        subprocess.run([*as_root, "apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL)
        subprocess.run([*as_root, "apt-get", "install", "-q", "-y", "gettext"], check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("xgettext"):
        sys.exit("gettext is missing: install it to extract texts (apt-get install gettext, brew install gettext).")


def extract(root: Path) -> None:
    (root / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
    ignores = [part for folder in IGNORED for part in ("--ignore", f"{folder}/*")]
    command = [sys.executable, "manage.py", "makemessages", *OPTIONS, *ignores]
    subprocess.run(command, cwd=root, check=True)


def complaints(fresh: Path, kept: Path) -> list[str]:
    """What is wrong with the catalogue: texts that are missing or gone, not translated, or only guessed."""
    if not kept.exists():
        return [f"{kept.name} does not exist; run `make messages`"]
    catalogue = polib.pofile(str(kept))
    wanted = {_key(entry) for entry in polib.pofile(str(fresh)) if not entry.obsolete}
    held = {_key(entry) for entry in catalogue if not entry.obsolete}
    found = [f"not in the catalogue: {key[1]!r}; run `make messages`" for key in sorted(wanted - held)]
    found += [f"no longer used: {key[1]!r}; run `make messages`" for key in sorted(held - wanted)]
    found += [f"not translated: {entry.msgid!r}" for entry in catalogue.untranslated_entries()]
    found += [f"only guessed (fuzzy): {entry.msgid!r}" for entry in catalogue.fuzzy_entries()]
    return found


def check() -> list[str]:
    """Extracts in a copy of the project, so that a check changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignore = shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", "var", "vendor", "tests", "*.mo")
        shutil.copytree(ROOT, copy, ignore=ignore)
        extract(copy)
        return complaints(copy / CATALOGUE, ROOT / CATALOGUE)


def _key(entry: polib.POEntry) -> tuple[str, str, str]:
    return (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")


def main(arguments: list[str]) -> int:
    provide_gettext()
    if "--check" not in arguments:
        extract(ROOT)
        return 0
    found = check()
    sys.stdout.writelines(f"{CATALOGUE}: {line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
