"""What stands before and behind the @ of addresses that are nobody's own: roles, robots, public mail providers.

The lists are this project's own; docs/domain.md says how often what passes them is right.
"""

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROBOTS: Final = _words(
    """
    agent alertmanager ansible artifactory autobot automation azuredevops bitbucket bot bots build buildbot
    builder builds cd ci cicd circleci cron crowdin daemon dependabot deploy deployer deployment donotreply
    github gitlab grafana imagebot integration kubernetes machine mailer monitor monitoring nagios nobody
    noreply notification notifications pipeline prometheus pusher release releases renovate robot runner runners
    scanner scim service sonar sonarqube svc sync system teamcity terraform webhook zabbix
    """
)
"""Wherever one of these is a part of a name, it is a machine's."""

TOOLS: Final = _words("bamboo docker drone jenkins nexus sa sentry travis")
"""A machine's where nothing else stands there: there are people of these names."""

ROLES: Final = _words(
    """
    abuse academy accounting accounts admin administration administrator admins alert alerts all analytics
    announce api app apps archive audit backoffice backup billing board booking buchhaltung business career
    careers ceo common communications compliance contact contracts core cto customer data default demo design
    desk dev developer developers devops devs direction directory docs email engineering enquiries events
    everyone facilities feedback finance frontend git group groups guest hello help helpdesk hostmaster hr info
    infra infrastructure inquiries intern internal invoice invoices it jobs kontakt lab labs learning legal
    library license licenses licensing list lists local login mail maintenance management manager marketing
    media mobile money network networking news newsletter office onboarding oncall operations operator ops order
    orders owner partner partners payroll people personal platform portal postmaster press privacy procurement
    product products project projects purchasing qa quality reception recruiting report reports request requests
    research root sales sandbox secretariat secretary security server services shared shop site software source
    spam sql sre staff staging subscribe super support sysadmin tech technical temp templates test tester
    testing tests tickets tmp tools training travel unix user users vendor vpn web webmaster welcome work www
    """
)
"""A name that is made of these alone is an office's, not somebody's: one part may be a given name, such as Dev."""

_FILLERS: Final = _words("team teams de en fr uk us eu no not reply do and of the")
"""What stands beside such names, and alone names nobody."""

_OFFICES: Final = ROLES | TOOLS | _FILLERS

_PROVIDERS: Final = _words(
    """
    aol gmail gmx googlemail hotmail icloud outlook proton protonmail rediffmail rocketmail seznam tuta tutanota
    yahoo yandex ymail
    """
)
"""Under whichever top-level domain."""

_REGISTRIES: Final = _words("ac co com ne net or org")
"""What stands between a provider and a country."""

_PROVIDER_DOMAINS: Final = _words(
    """
    126.com 163.com att.net bigpond.com bk.ru bluewin.ch btinternet.com comcast.net cox.net daum.net
    duck.com fastmail.com fastmail.fm foxmail.com free.fr freenet.de hanmail.net hey.com home.nl inbox.lv inbox.ru
    interia.pl laposte.net libero.it list.ru live.co.uk live.com live.de live.fr live.nl mac.com mail.com
    mail.ru mailbox.org me.com msn.com naver.com o2.pl onet.pl online.de orange.fr pm.me posteo.de qq.com
    rogers.com sbcglobal.net sfr.fr sina.com sky.com sohu.com t-online.de telenet.be tiscali.it
    verizon.net virgilio.it virginmedia.com wanadoo.fr web.de wp.pl xs4all.nl ziggo.nl zoho.com
    """
)

DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})
"""Where dots before the @ mean nothing to whoever delivers the mail."""

NO_REPLY: Final = "users.noreply."
"""How the domain of addresses begins that GitHub invents for people who hide theirs."""

_TOKENS: Final = re.compile(r"[^\W\d_]+")


def is_machine(text: str) -> bool:
    """Whether a local part, or a tag, is a robot's: ``ci``, ``svc-backup2``, ``jenkins``."""
    tokens = _TOKENS.findall(text)
    return any(one in ROBOTS for one in tokens) or (bool(tokens) and all(one in TOOLS for one in tokens))


def is_role(local: str) -> bool:
    """Whether a local part is a robot's or an office's: ``ci``, ``dev.team``."""
    tokens = _TOKENS.findall(local)
    return is_machine(local) or (bool(tokens) and all(one in _OFFICES for one in tokens))


def is_public(domain: str) -> bool:
    """Whether anybody gets an address there: at a provider of e-mail, or one that GitHub invents."""
    first, _dot, rest = domain.partition(".")
    registry, dot, _country = rest.partition(".")
    is_provider = domain in _PROVIDER_DOMAINS or (first in _PROVIDERS and (not dot or registry in _REGISTRIES))
    return is_provider or domain.startswith(NO_REPLY)
