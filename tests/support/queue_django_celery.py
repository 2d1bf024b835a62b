"""The Celery application of a Django project: ``celery -A queue_django_celery worker``."""

import os

import django
import queue_django
from celery import Celery

assert queue_django.settings.configured
django.setup()

app = Celery("queue_django_celery", broker=os.environ["SHOP_BROKER"])
app.autodiscover_tasks(["smscore.contrib"], related_name="celery")
app.conf.payamak_queue = "smscore.contrib.django:queue"
