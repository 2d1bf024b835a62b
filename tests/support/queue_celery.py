"""The Celery application of the nodes: ``celery -A queue_celery worker``, and ``celery -A queue_celery beat``."""

import os

from celery import Celery

from smscore.contrib.celery import beat_schedule

app = Celery("queue_celery", broker=os.environ["SHOP_BROKER"])
app.autodiscover_tasks(["smscore.contrib"], related_name="celery")
app.conf.payamak_queue = "queue_shop:queue"
app.conf.task_default_queue = f"{os.environ.get('SHOP_PREFIX', '')}celery"
app.conf.beat_schedule = beat_schedule(
    every=2.0, seconds=8.0, slots=int(os.environ.get("SHOP_SLOTS", "4")), track_every=None, receive_every=None
)
