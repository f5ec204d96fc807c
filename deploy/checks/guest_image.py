"""The guest image `tiny`."""

from deploy import first_image
from deploy.checks.finding import Finding, ok
from deploy.environment import Environment


def check(environment: Environment) -> Finding:
    image = first_image.path()
    if first_image.is_whole(image):
        return ok(f"{image}, {image.stat().st_size / 1024**2:.0f} MiB")
    return ok("not built yet; make up builds it (about 10 s)")
