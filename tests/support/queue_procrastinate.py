"""The procrastinate application of the nodes: ``procrastinate --app queue_procrastinate.app worker``."""

import os

from procrastinate import App, PsycopgConnector

from smscore.contrib.procrastinate import add_tasks

app = App(
    connector=PsycopgConnector(
        conninfo=os.environ["SHOP_DB"], kwargs={"options": f"-c search_path={os.environ['SHOP_SCHEMA']}"}
    )
)
add_tasks(
    app,
    "queue_shop:queue",
    every=1,
    seconds=6.0,
    slots=int(os.environ.get("SHOP_SLOTS", "4")),
    track_every=None,
    receive_every=None,
)
