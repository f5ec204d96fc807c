"""What all tests share."""

import logging

from django.core.servers.basehttp import WSGIRequestHandler

pytest_plugins = ["tests.sentinels", "tests.services"]
# Counting queries makes Django log them with their values, as no process of the cloud does; and these are clients,
# which tell what they were asked.
_CLIENTS = "cliff keystoneauth keystoneclient novaclient openstack openstackclient osc_lib urllib3"
for _name in ("django.db.backends", *_CLIENTS.split()):
    logging.getLogger(_name).setLevel(logging.WARNING)

# The live server writes an answer in two parts: without this the second waits 40 ms for the client's acknowledgement.
WSGIRequestHandler.disable_nagle_algorithm = True
