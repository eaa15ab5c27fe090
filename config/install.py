"""Installs the project into .venv with any Python that can run it; seconds when nothing changed.

It runs by path, before anything is installed, so it needs nothing but the standard library. It keeps to syntax that
an old Python still reads: whoever starts it with one shall read a sentence and not a traceback.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
FAILED = "The packages could not be installed: see above."


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
    with tempfile.TemporaryDirectory() as folder:
        wheels = _fetch((ROOT / name).read_text(encoding="utf-8"), Path(folder))
        # The requirements name everything that these need, and their hashes were right a moment ago.
        _run(FAILED, *_pip("install", "--no-index", "--no-deps", "--no-compile"), *wheels)
    # As pip does, with all cores. What was written for another Python need not compile.
    subprocess.call([str(PYTHON), "-m", "compileall", "-qq", "-j", "0", str(VENV / "lib")], stderr=subprocess.DEVNULL)
    for stamp in VENV.glob(".%s-*" % name):
        stamp.unlink()
    _stamp(name).touch()


def _fetch(requirements, folder):  # type: (str, Path) -> list[str]
    """Have each core look for its share of the packages, which takes longer than to install them."""
    shares = os.cpu_count() or 1
    fetching = []
    for number, share in enumerate(_split(requirements, min(shares, 4))):
        file = folder / ("%d.txt" % number)
        file.write_text(share, encoding="utf-8")
        command = _pip("wheel", "--no-deps", "--require-hashes", "--requirement", str(file), "--wheel-dir", str(folder))
        fetching.append(subprocess.Popen(command))
    codes = [process.wait() for process in fetching]
    if any(codes):
        sys.exit(FAILED)
    return sorted(map(str, folder.glob("*.whl")))


def _split(requirements, shares):  # type: (str, int) -> list[str]
    """Cut where a package begins; the hashes that belong to it are indented."""
    packages = re.split(r"(?m)^(?=[A-Za-z0-9])", requirements)
    return ["".join(packages[number::shares]) for number in range(shares)]


def _pip(command, *arguments):  # type: (str, *str) -> list[str]
    return [
        *(str(PYTHON), "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-input"),
        *arguments,
    ]


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
