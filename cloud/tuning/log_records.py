"""Log records without the file, line, thread and process that no line of ours shows.

Replaces: nothing of upstream; the switches are documented (docs.python.org, Logging HOWTO, Optimization).
Gains: a third of a log line's time.
Remove: drop the call in cloud/logs.py, delete this module.
"""

import logging


def leave_out_unused() -> None:
    """Stop collecting values that no formatter uses, in this process."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]
