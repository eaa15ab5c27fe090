"""Installs the project into .venv with any Python that can run it; seconds when nothing changed.

It runs by path, before anything is installed, so it needs nothing but the standard library. It keeps to syntax that
an old Python still reads: whoever starts it with one shall read a sentence and not a traceback.
"""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def main(arguments):  # type: (list[str]) -> None
    if sys.version_info[:2] < OLDEST:
        sys.exit(
            "This is Python %d.%d, and at least %d.%d is needed: name a newer one, such as PYTHON=python3.12 make run."
            % (sys.version_info[:2] + OLDEST)
        )
    name = "requirements-dev.txt" if "--dev" in arguments else "requirements.txt"
    if not _is_current(name):
        _install(name)
    if subprocess.call([str(PYTHON), "-P", str(ROOT / "config" / "catalogues.py")]) != 0:
        sys.exit("The translations in locale/ could not be compiled.")


def _stamp(name):  # type: (str) -> Path
    """Named after everything that decides what is installed."""
    content = (ROOT / name).read_bytes() + sys.version.encode() + str(VENV).encode()
    return VENV / (".%s-%s" % (name, hashlib.sha256(content).hexdigest()[:16]))


def _is_current(name):  # type: (str) -> bool
    # What development needs contains what the console needs, in the same versions.
    enough = {name, "requirements-dev.txt"}
    return PYTHON.exists() and any(_stamp(file).exists() for file in enough)


def _install(name):  # type: (str) -> None
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        sys.exit("This Python lacks its venv module: install it (on Debian and Ubuntu: apt-get install python3-venv).")
    if not _fits():
        print("Creating .venv ...", flush=True)
        _run("The folder .venv could not be created.", sys.executable, "-m", "venv", "--clear", str(VENV))
    print("Installing %s into .venv ..." % name, flush=True)
    _run(
        "The packages could not be installed: see above.",
        *(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--require-hashes", "--requirement", str(ROOT / name)),
    )
    for stamp in VENV.glob(".%s-*" % name):
        stamp.unlink()
    _stamp(name).touch()


def _fits():  # type: () -> bool
    """Whether .venv runs, and belongs to the Python that was chosen."""
    if not PYTHON.exists():
        return False
    question = [str(PYTHON), "-c", "import pip, sys; print(sys.version)"]
    answer = subprocess.run(question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return answer.returncode == 0 and answer.stdout.decode().strip() == sys.version.strip()


def _run(what_failed, *command):  # type: (str, str) -> None
    if subprocess.call(command) != 0:
        sys.exit(what_failed)


if __name__ == "__main__":
    main(sys.argv[1:])
