"""What all tests share."""

import logging
import os
import random

import pytest
from django.core.servers.basehttp import WSGIRequestHandler

pytest_plugins = ["tests.sentinels", "tests.services"]
# Counting queries makes Django log them with their values, as no process of the cloud does; and these are clients,
# which tell what they were asked.
_CLIENTS = "cliff keystoneauth keystoneclient novaclient openstack openstackclient osc_lib urllib3"
for _name in ("django.db.backends", *_CLIENTS.split()):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Which cells of the kill matrix are run: the same in all parallel processes. Set it to run those again.
os.environ.setdefault("MATRIX_SEED", str(random.SystemRandom().randrange(10_000)))


def pytest_report_header(config: pytest.Config) -> str:
    return f"kill matrix: MATRIX_SEED={os.environ['MATRIX_SEED']}"


# The live server writes an answer in two parts: without this the second waits 40 ms for the client's acknowledgement.
WSGIRequestHandler.disable_nagle_algorithm = True
