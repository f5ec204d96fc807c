"""The settings file, which holds every password."""

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment


def check(environment: Environment) -> Finding:
    for path in (environment.file,) if environment.is_host else (environment.file, environment.clouds_yaml):
        try:
            mode = path.stat().st_mode & 0o777
        except FileNotFoundError:
            return ok(f"{path} does not exist yet; make up writes it")
        except PermissionError:
            return fail(f"{path} may not be read", "Run as the user who ran make up.")
        if mode & 0o077:
            return fail(f"{path} is open to others ({mode:o})", f"chmod 600 {path}, and change the passwords in it.")
    return ok(f"{environment.file} is private")
