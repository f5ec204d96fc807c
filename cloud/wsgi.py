"""The WSGI application, loaded whole: the server forks its workers afterwards, and they share the memory of it."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")

from cloud.metrics import directory

directory.prepare()
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402 - needs the applications

from apps.common import policy  # noqa: E402
from cloud.front import Application  # noqa: E402

application = Application()

get_resolver().url_patterns  # noqa: B018 - views, serializers, the API's description
policy.warm()
gc.collect()
gc.freeze()  # what is loaded stays: no collection looks at it, and none writes to its shared pages
