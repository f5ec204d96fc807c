"""Beat: sends the periodic tasks' messages. ``python -m cloud.beat SCHEDULE``, where SCHEDULE is the file it keeps.

Celery's command line would load every command there is, which is a third of what this process needs.
"""

import sys

from celery.apps.beat import Beat

from cloud.celery_base import app

if __name__ == "__main__":
    Beat(app=app, schedule=sys.argv[1], quiet=True, redirect_stdouts=False).run()
