"""Translations are compiled without gettext, and checked for what is missing."""

import gettext
import os
from pathlib import Path

from config.catalogues import compile_catalogues
from tests.support.messages import complaints

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def catalogue(path: Path, *entries: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "\n\n".join(entries) + "\n")
    return path


def test_compiled_catalogue_translates(tmp_path: Path) -> None:
    catalogue(tmp_path / "fr" / "LC_MESSAGES" / "django.po", 'msgid "Enabled"\nmsgstr "Activé"')

    compile_catalogues(tmp_path)

    assert gettext.translation("django", tmp_path, ["fr"]).gettext("Enabled") == "Activé"


def test_only_what_changed_is_compiled_again(tmp_path: Path) -> None:
    source = catalogue(tmp_path / "fr" / "LC_MESSAGES" / "django.po", 'msgid "Enabled"\nmsgstr "Activé"')
    assert len(compile_catalogues(tmp_path)) == 1
    assert compile_catalogues(tmp_path) == []

    os.utime(source, (source.stat().st_atime, source.stat().st_mtime + 10))

    assert len(compile_catalogues(tmp_path)) == 1


def test_complaints_name_what_is_missing_gone_untranslated_or_guessed(tmp_path: Path) -> None:
    fresh = catalogue(
        tmp_path / "fresh.po", 'msgid "New"\nmsgstr ""', 'msgid "Bare"\nmsgstr ""', 'msgid "Guess"\nmsgstr ""'
    )
    kept = catalogue(
        tmp_path / "kept.po",
        'msgid "Old"\nmsgstr "Ancien"',
        'msgid "Bare"\nmsgstr ""',
        '#, fuzzy\nmsgid "Guess"\nmsgstr "Peut-être"',
    )

    assert complaints(fresh, kept) == [
        "not in the catalogue: 'New'; run `make messages`",
        "no longer used: 'Old'; run `make messages`",
        "not translated: 'Bare'",
        "only guessed (fuzzy): 'Guess'",
    ]


def test_complete_catalogue_is_not_complained_about(tmp_path: Path) -> None:
    fresh = catalogue(tmp_path / "fresh.po", 'msgid "Enabled"\nmsgstr ""')
    kept = catalogue(tmp_path / "kept.po", 'msgid "Enabled"\nmsgstr "Activé"')

    assert complaints(fresh, kept) == []
