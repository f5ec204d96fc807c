#!/usr/bin/env bash
# Style, types, import contracts, migrations. Every check runs; the result is that of the worst.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
worst=0

check() {
    local title=$1
    shift
    printf -- '-- %s\n' "$title"
    "$@" || worst=1
}

check "ruff check" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check --quiet .
check "mypy" "$bin/mypy" --no-error-summary apps bench cloud workers deploy
check "imports" "$bin/lint-imports" --no-logo
# There is no database here to compare its history with; the rows of files are compared all the same.
check "migrations" "$bin/python" -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
exit $worst
