"""A worker's or Flower's command line by itself: ``python -m cloud.celery_command worker …``, or ``flower …``.

The program ``celery`` would load every command with its libraries, a shell with completion and Flower among them:
15 MiB in each worker.
"""

import sys

import click
from celery import Celery, current_app

from cloud.tuning.import_guard import absent


def run(app: Celery, command: click.Command, arguments: list[str]) -> None:
    """Run one command on ``app``. Ends the process, as the command line does."""
    with absent("pygments"):  # for colours of answers at a terminal
        from celery.bin.base import CLIContext

    context = CLIContext(app=app, no_color=True, workdir=None, quiet=False)
    with click.Context(click.Command("celery"), obj=context) as parent:
        command.main(arguments, prog_name=command.name, parent=parent)


def serve(arguments: list[str]) -> None:
    """Run a worker of this process's app."""
    with absent("pygments"):
        from celery.bin.worker import worker

    run(current_app._get_current_object(), worker, arguments)


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    if name == "flower":
        from cloud.celery_base import app

        with absent("pygments"):
            from flower.command import flower
        run(app, flower, rest)
    else:
        import cloud.celery  # noqa: F401

        serve(rest)
