"""The supervisor's configuration file, made from the programs."""

import configparser
import io
import os
import shlex

from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.supervision.programs import Program

LOG_BYTES = 20 * 1024 * 1024
LOG_FILES = 5


def _escape(text: str) -> str:
    """Return the text as the supervisor reads it: it expands %(name)s everywhere."""
    return text.replace("%", "%%")


def _environment(variables: dict[str, str]) -> str:
    """Return KEY="value" pairs, quoted always: the supervisor takes a bare comma for the next pair.

    It knows no escapes, so a value may hold one kind of quotes only; ours hold none.
    """
    if awkward := [key for key, value in variables.items() if {'"', "'"} <= set(value)]:
        raise DeployError(f"{', '.join(awkward)}: a value cannot hold both kinds of quotes.")
    quotes = {key: "'" if '"' in value else '"' for key, value in variables.items()}
    return _escape(",".join(f"{key}={quotes[key]}{value}{quotes[key]}" for key, value in sorted(variables.items())))


def program_section(program: Program, environment: Environment) -> dict[str, str]:
    """Return one program's settings."""
    section = {
        "command": _escape(shlex.join(program.command)),
        "directory": _escape(str(program.directory)),
        "priority": str(program.stage),
        "environment": _environment({"CELERITY_STATE_DIR": str(environment.state), **program.environment}),
        # `make up` starts them stage by stage; the supervisor restarts what dies.
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(program.start_seconds),
        "startretries": "10",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        # What a process runs for a step (qemu-img, say) may end by itself: only the process is asked to stop. What
        # remains after the wait is killed together.
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escape(str(environment.log / f"{program.name}.log")),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_FILES),
    }
    if program.user is not None:
        section["user"] = program.user
    return section


def render(environment: Environment, programs: list[Program]) -> str:
    """Return the whole file. It holds a password: write it with mode 0600."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    socket = _escape(str(environment.run / "supervisord.sock"))
    parser["unix_http_server"] = {"file": socket, "chmod": "0700"}
    parser["supervisord"] = {
        "logfile": _escape(str(environment.log / "supervisord.log")),
        "logfile_maxbytes": str(LOG_BYTES),
        "logfile_backups": "2",
        "loglevel": "info",
        "pidfile": _escape(str(environment.run / "supervisord.pid")),
        "directory": "/",
        "nodaemon": "false",
        "minfds": "4096",
        "identifier": "celerity",
        "umask": "022",
    }
    if os.geteuid() == 0:
        parser["supervisord"]["user"] = "root"
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    parser["supervisorctl"] = {"serverurl": f"unix://{socket}"}
    for program in programs:
        parser[f"program:{program.name}"] = program_section(program, environment)
    text = io.StringIO("# Written by `make up`; a change here does not last.\n")
    text.seek(0, io.SEEK_END)
    parser.write(text)
    return text.getvalue()
