#!/usr/bin/env python3
"""The command line of the project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        import django
        from django.core.management import execute_from_command_line, load_command_class
        from django.db import DatabaseError

        from enterprises.secrets import WrongEncryptionKey
    except ImportError:
        sys.exit("Django is not installed in this Python: run `make install`, then use .venv/bin/python.")
    if sys.argv[1:2] == ["up"] and "LICENSESYNC_ROLE_FILE" not in os.environ:
        # Only here: everything on one machine is how the two sides are tried out together.
        os.environ.setdefault("LICENSESYNC_ROLE", "both")
    if sys.argv[1:2] == ["version"]:
        # Django takes this word for itself and answers its own version.
        django.setup()
        load_command_class("config", "version").run_from_argv(sys.argv)
        return
    try:
        execute_from_command_line(sys.argv)
    except WrongEncryptionKey as error:
        sys.exit(str(error))
    except DatabaseError as error:
        from config.unmade import UNMADE, is_unmade

        if not is_unmade(error):
            raise
        sys.exit(UNMADE)


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output, such as head, has seen enough. What is still to be flushed must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
