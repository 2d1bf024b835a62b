"""A server on this machine that speaks the providers' wire formats, for tests and demonstrations.

::

    async with Sandbox() as box:                        # or: with Sandbox() as box, in a thread of its own
        async with AsyncNobody("any token", sender="3000505", base_url=box.url("nobody")) as client:
            await client.send("09123456789", "سلام")
        print(box.messages)

``Emulation`` and the names that go with it are for whoever adds a provider.
"""

from __future__ import annotations

from smscore.auth import BodyToken, Credentials, HeaderToken, PathToken, QueryToken
from smscore.sandbox.emulation import Call, Emulation, Route, Upload, read_json
from smscore.sandbox.memory.messages import Inbound, Outbound, SandboxMessage
from smscore.sandbox.memory.recent import Recent
from smscore.sandbox.memory.stages import Stage
from smscore.sandbox.memory.store import StoreError
from smscore.sandbox.replies import CallRefused, ErrorCode, RefusalReason, Reply
from smscore.sandbox.sandbox import Sandbox

__all__ = [
    "BodyToken",
    "Call",
    "CallRefused",
    "Credentials",
    "Emulation",
    "ErrorCode",
    "HeaderToken",
    "Inbound",
    "Outbound",
    "PathToken",
    "QueryToken",
    "Recent",
    "RefusalReason",
    "Reply",
    "Route",
    "Sandbox",
    "SandboxMessage",
    "Stage",
    "StoreError",
    "Upload",
    "read_json",
]
