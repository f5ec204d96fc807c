"""The WSGI application, loaded whole: the server forks its workers afterwards, and they share the memory of it."""

import os

import argon2  # noqa: F401 - else the first request that needs these loads them, in each process again
import cryptography.fernet  # noqa: F401
import django
import oslo_utils.imageutils.format_inspector  # noqa: F401

from cloud.tuning.import_guard import absent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

with absent("pygments"), absent("requests"):  # DRF's own documentation in colours, its client for tests: 4 MiB
    import rest_framework.compat  # noqa: F401

from apps.operations.metrics import directory

directory.prepare()
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402 - needs the applications

from apps.common import policy  # noqa: E402
from apps.common.api import errors  # noqa: E402, F401
from cloud import warm_up  # noqa: E402
from cloud.celery_base import app as celery  # noqa: E402
from cloud.front import Application  # noqa: E402
from cloud.tuning import memory  # noqa: E402

application = Application()

get_resolver().url_patterns  # noqa: B018 - views, serializers, the API's description
policy.warm()
celery.amqp.Producer  # noqa: B018 - what sends messages; it connects with the first one
celery.Task, celery.events.Dispatcher  # noqa: B018
celery.connection_for_write().get_transport_cls()
warm_up.play()
memory.freeze_loaded()
