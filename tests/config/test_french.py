"""The French catalogue keeps GitHub's terms, French typography and every placeholder."""

import re

import polib
import pytest

from config.catalogues import LOCALE

CATALOGUE = polib.pofile(str(LOCALE / "fr" / "LC_MESSAGES" / "django.po"))
# What a translation has to hand on: values, markup.
KEPT = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|</?\w+>")
# A mark that an ordinary space could send to the next line, or that has no space at all.
LOOSE = re.compile(r"«(?!\u00a0)|(?<!\u00a0)(?:»|[:;?!](?=\s|$))")
TERMS = {
    "Enabled": "Activé",
    "Disabled": "Désactivé",
    "Enable GitHub Connect": "Activer GitHub Connect",
    "Disable GitHub Connect": "Désactiver GitHub Connect",
    "GitHub Connect is not enabled yet": "GitHub Connect n'est pas encore activé",
    "Server can sync user license count and usage": (
        "Le serveur peut synchroniser le nombre et l'utilisation de licences utilisateur"
    ),
    "License": "Licence",
    "Enterprise licensing": "Gestion des licences Enterprise",
    "License sync": "Synchronisation des licences",
    "Sync now": "Synchroniser maintenant",
    "Quick links": "Liens rapides",
    "Enterprise Server instances": "Instances Enterprise Server",
    "GitHub Connect server usage synced": "Utilisation du serveur GitHub Connect synchronisée",
    "GitHub Connect server usage never synced": "Utilisation du serveur GitHub Connect jamais synchronisée",
    "People": "Personnes",
    "Settings": "Paramètres",
    "Seats": "Sièges",
    "Dormant users": "Utilisateurs dormants",
    "enterprise owner": "propriétaire d'entreprise",
    "billing manager": "gestionnaire de facturation",
    "Connect": "Connecter",
    "Save": "Enregistrer",
}


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


@pytest.mark.parametrize("english", TERMS)
def test_french_uses_github_s_terms(english: str) -> None:
    entry = CATALOGUE.find(english)

    assert entry is not None
    assert entry.msgstr == TERMS[english]


def test_french_sets_spaces_that_do_not_break() -> None:
    loose = [text for entry in CATALOGUE for text in translations(entry) if LOOSE.search(text)]

    assert loose == []


def test_french_keeps_every_placeholder() -> None:
    changed = [
        entry.msgid
        for entry in CATALOGUE
        for text in translations(entry)
        if set(KEPT.findall(text)) != set(KEPT.findall(entry.msgid_plural or entry.msgid))
    ]

    assert changed == []
