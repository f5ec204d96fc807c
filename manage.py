#!/usr/bin/env python3
"""Django's command line for Celerity; also what the `celerity` command runs."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
    import cloud  # noqa: F401, I001 - before Django, which loads what cloud/tuning/lean.py keeps out
    from django.core.management import execute_from_command_line

    execute_from_command_line([os.environ.get("CELERITY_PROG", sys.argv[0]), *sys.argv[1:]])


if __name__ == "__main__":
    main()
