"""``payamak doctor`` and certificates: a broken chain, a stranger's, an expired one and one for another name."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from click.testing import Result
from commandline import TOKEN, environment, json_lines

from sepahan_sms import Sepahan
from smscore.cli.doctor.certificates import CertificateProblem, certificate_finding
from smscore.diagnosis import Verdict
from smscore.sandbox import Sandbox
from smscore.testing.recorder import Canned, Recorded, Recorder

Command = Callable[..., Result]
CREDIT: Final = json.dumps({"isSuccess": True, "value": 5, "error": None}).encode()
ROWS: Final = json.dumps({"isSuccess": True, "value": [], "error": None}).encode()


def sepahan(request: Recorded) -> Canned:
    return Canned(200, ROWS if request.path.endswith("Receive") else CREDIT)


@contextmanager
def https(chain: list[trustme.Blob], key: trustme.Blob, folder: Path) -> Iterator[str]:
    """A provider at localhost, with this chain of certificates; its URL."""
    (folder / "server.pem").write_bytes(key.bytes() + b"".join(one.bytes() for one in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    recorder = Recorder(sepahan)
    listening = recorder._server.socket
    recorder._server.socket = context.wrap_socket(listening, server_side=True)
    with recorder:
        yield recorder.url.replace("http://127.0.0.1", "https://localhost")


@pytest.fixture
def root(tmp_path: Path) -> trustme.CA:
    """An authority that this machine trusts."""
    root = trustme.CA(organization_name="Root of the tests")
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    return root


@pytest.fixture
def trusting(root: trustme.CA, box: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that trusts the root."""
    return environment(box, SSL_CERT_FILE=str(tmp_path / "root.pem"))


def examined(command: Command, url: str, env: dict[str, str]) -> dict[str, dict[str, Any]]:
    ran = command("doctor", "-p", "sepahan", "--base-url", url, "--json", env=env)
    findings = {found["check"]: found for found in json_lines(ran.stdout, "finding")}
    is_bad = "bad" in [found["verdict"] for found in findings.values()]
    assert ran.exit_code == int(is_bad), ran.output
    return findings


def the_bad_one(command: Command, url: str, env: dict[str, str]) -> tuple[str, str]:
    """What was seen of a certificate that is not trusted, and what to do; nothing is asked after it."""
    findings = examined(command, url, env)
    assert {check: found["verdict"] for check, found in findings.items()} == {"host": "good", "certificate": "bad"}
    return findings["certificate"]["saw"], findings["certificate"]["advice"]


def test_a_whole_chain_is_good(command: Command, root: trustme.CA, trusting: dict[str, str], tmp_path: Path):
    leaf = root.create_child_ca().issue_cert("localhost")
    with https(leaf.cert_chain_pems, leaf.private_key_pem, tmp_path) as url:
        findings = examined(command, url, trusting)
    assert {findings[check]["verdict"] for check in ("host", "certificate", "token")} == {"good"}


def test_a_missing_intermediate_is_named_and_loading_it_works(
    command: Command, root: trustme.CA, trusting: dict[str, str], tmp_path: Path
):
    middle = root.create_child_ca()
    leaf = middle.issue_cert("localhost")
    with https(leaf.cert_chain_pems[:1], leaf.private_key_pem, tmp_path) as url:
        saw, advice = the_bad_one(command, url, trusting)
        assert saw.startswith("The server sends only its own certificate:")
        assert "is missing" in saw
        assert 'context.load_verify_locations("intermediate.pem")' in advice
        (tmp_path / "intermediate.pem").write_bytes(middle.cert_pem.bytes())
        context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
        context.load_verify_locations(tmp_path / "intermediate.pem")
        with Sepahan(TOKEN, base_url=url, ssl=context) as client:
            assert client.credit() == 5


def test_an_authority_that_this_machine_does_not_trust_is_told_from_a_broken_chain(
    command: Command, trusting: dict[str, str], tmp_path: Path
):
    stranger = trustme.CA()
    leaf = stranger.issue_cert("localhost")
    with https([*leaf.cert_chain_pems, stranger.cert_pem], leaf.private_key_pem, tmp_path) as url:
        saw, advice = the_bad_one(command, url, trusting)
    assert "this machine does not trust its authority" in saw
    assert "Do not send a token there" in advice


def test_a_certificate_that_signed_itself_is_told(command: Command, trusting: dict[str, str], tmp_path: Path):
    itself = trustme.CA()
    with https([itself.cert_pem], itself.private_key_pem, tmp_path) as url:
        saw, advice = the_bad_one(command, url, trusting)
    assert ("self-signed" in saw, "Do not send a token there" in advice) == (True, True)


def test_an_expired_certificate_is_told(command: Command, root: trustme.CA, trusting: dict[str, str], tmp_path: Path):
    leaf = root.issue_cert("localhost", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    with https(leaf.cert_chain_pems, leaf.private_key_pem, tmp_path) as url:
        saw, advice = the_bad_one(command, url, trusting)
    assert ("has expired" in saw, "clock" in advice) == (True, True)


def test_a_certificate_for_another_name_says_for_which(
    command: Command, root: trustme.CA, trusting: dict[str, str], tmp_path: Path
):
    leaf = root.issue_cert("sms.example.ir")
    with https(leaf.cert_chain_pems, leaf.private_key_pem, tmp_path) as url:
        saw, advice = the_bad_one(command, url, trusting)
    assert saw == "The server's certificate is for sms.example.ir, not for localhost."
    assert "SEPAHAN_BASE_URL" in advice


def test_what_does_not_speak_tls_is_told(command: Command, box: Sandbox):
    url = box.url("sepahan").replace("http://127.0.0.1", "https://localhost")
    saw, _ = the_bad_one(command, url, environment(box))
    assert "TLS handshake with localhost failed" in saw


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (CertificateProblem(9, ""), "not valid yet"),
        (CertificateProblem(20, "", sent=2), "an incomplete chain of certificates: an intermediate certificate"),
        (CertificateProblem(21, "", sent=1, issuer="R3"), "only its own certificate: the certificate of R3"),
        (CertificateProblem(62, ""), "is for other names, not for sms.example.ir"),
        (CertificateProblem(26, "unsuitable purpose"), "not trusted: unsuitable purpose"),
    ],
)
def test_each_reason_has_its_sentence(problem: CertificateProblem, words: str):
    found = certificate_finding(problem, "sms.example.ir")
    assert (found.check, found.verdict, words in found.saw, found.advice != "") == (
        "certificate",
        Verdict.BAD,
        True,
        True,
    )


def test_where_the_missing_certificate_is_published_is_told():
    url = "http://r3.example.ir/r3.der"
    found = certificate_finding(CertificateProblem(20, "", sent=1, issuer="R3", issuer_url=url), "sms.example.ir")
    assert url in found.advice
