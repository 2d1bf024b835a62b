"""Ten thousand sends with gaps drawn around their servers' idle limits, in virtual time: none meets a close.

``IDLE_SENDS`` is how many to each of the eight servers. Run by ``nox -s idle``.
"""

import os
import ssl

import pytest
import trustme
from idlegaps import send_with_gaps
from idleserver import IdleServer
from virtual_sockets import run

SENDS = int(os.environ.get("IDLE_SENDS", "1250"))


@pytest.mark.parametrize("latency", [0.0, 0.1])
@pytest.mark.parametrize("limit", [5.0, 15.0, 60.0, 300.0])
def test_none_ends_unknown(limit: float, latency: float, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    theirs, ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    authority.configure_trust(ours)
    unknown, opened = run(monkeypatch, send_with_gaps(IdleServer(limit, latency), SENDS, tls=(theirs, ours)))
    print(f"limit {limit:g} s, latency {latency * 1e3:g} ms: {unknown} unknown of {SENDS}, {opened} connections")
    assert unknown == 0
