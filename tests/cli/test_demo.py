"""``payamak demo``: what it prints, and that it notices what does not add up."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import attrs
import pytest
from commandline import environment, json_lines, run
from rich.console import Console

from smscore import Delivery, DeliveryStatus, registry
from smscore.cli.demo import recipients
from smscore.cli.demo import run as demo
from smscore.cli.demo.display import Display
from smscore.cli.demo.failover import ShownFailover, failover_problems, show_failover
from smscore.cli.demo.followed import FollowedMessage, follow_one, follow_problems
from smscore.cli.demo.outcomes import CheckedOutcome, problems_of
from smscore.outcomes import Outcome
from smscore.profile import Capability, DemoPlan, Profile
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox

pytestmark = pytest.mark.exhaustive

PROFILES = registry.profiles()
FROM_FILE = [profile.name for profile in PROFILES.values() if profile.demo.from_file]
KNOWS_REPEATS = [name for name in PROFILES if "check_request_id" in PROFILES[name].own_calls]
SENT = sum(profile.demo.recipients + 1 for profile in PROFILES.values())  # one each by the blocking client


@pytest.fixture(scope="module")
def ran() -> subprocess.CompletedProcess[str]:
    return run("demo", env=environment())


def test_the_demo_adds_up_and_exits_with_0(ran: subprocess.CompletedProcess[str]):
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Every number adds up: the sandbox received {SENT:,} messages." in ran.stdout


@pytest.mark.parametrize("name", PROFILES)
def test_the_demo_sends_what_the_profile_says(name: str, ran: subprocess.CompletedProcess[str]):
    count, invalid = PROFILES[name].demo.recipients, 2 if name in FROM_FILE else 0
    assert re.search(rf"{name} +\d+ +{count + 1:,} +0 +{invalid} +0 ", ran.stdout)
    if Capability.REPORTS_DELIVERIES in PROFILES[name].capabilities:
        assert re.search(rf"{name} +{count:,} (queued|sent) +{count:,} delivered", ran.stdout)


@pytest.mark.parametrize("name", PROFILES)
def test_the_demo_tells_the_outcomes_apart(name: str, ran: subprocess.CompletedProcess[str]):
    lost = (
        "accepted +yes +No answer came. Repeated" if name in KNOWS_REPEATS else "unknown +yes +No answer came: it may"
    )
    assert re.search(rf"{name} +\+989121112233 +accepted +yes +The provider accepted it", ran.stdout)
    assert re.search(rf"{name} +\+989121112244 +rejected +no +{name} refused the request", ran.stdout)
    assert re.search(rf"{name} +\+989990000011 +{lost}", ran.stdout)


@pytest.mark.parametrize(
    "row",
    [
        r"\w+ +(\d[\d,]+) +\1 +\d[\d,]+",  # the reported cost is what was charged
        r"payamak sandbox ",
        rf"payamak send -p {next(iter(PROFILES))} --text 'سلام' --out results.csv -",
        r"payamak status --results results.csv",
        r"[\w]+ +\w+ → .*delivered",
        r"02188776655 +not sent",
        r"0912345 +not sent",
        r"۰۹۱۲۰۰۲۵۰۰۰ +accepted as \+989120025000",
        r"09120000001 +skipped: same number as row 2",
        rf"{next(iter(PROFILES))} +{next(iter(PROFILES))} refused the request",  # and so the next provider sends it
        rf"{[*PROFILES][1]} +It accepted the message",
    ],
)
def test_the_demo_shows(ran: subprocess.CompletedProcess[str], row: str):
    assert re.search(row, ran.stdout)


def test_the_demo_tells_a_script_the_same():
    ran = run("demo", "--json", env=environment())
    assert (ran.returncode, ran.stderr) == (0, "")
    first, *providers, last = json_lines(ran.stdout)
    assert (first["type"], set(first["urls"])) == ("sandbox", {*PROFILES})
    assert [(one["provider"], one["accepted"], one["not_sent"], one["unknown"]) for one in providers] == [
        (name, profile.demo.recipients + 1, 2 if name in FROM_FILE else 0, 0) for name, profile in PROFILES.items()
    ]
    assert [one["last_statuses"] for one in providers] == [
        {"delivered": profile.demo.recipients} if Capability.REPORTS_DELIVERIES in profile.capabilities else None
        for profile in PROFILES.values()
    ]
    assert (last["type"], last["adds_up"], last["messages"], last["problems"]) == ("summary", True, SENT, [])
    assert {(one["provider"], one["outcome"]) for one in last["told_apart"]} == {
        *((name, outcome) for name in PROFILES for outcome in ("accepted", "rejected")),
        *((name, "unknown") for name in PROFILES if name not in KNOWS_REPEATS),
    }
    assert [one["provider"] for one in last["failover"]] == [*PROFILES][:2]
    assert last["followed"][-1] == "delivered"
    assert len(last["followed"]) > 1
    assert [odd["number"] for odd in last["odd_rows"]] == [
        number for _ in FROM_FILE for number in ("09120000001", "02188776655", "0912345", "۰۹۱۲۰۰۲۵۰۰۰")
    ]


def profile_of(name: str, count: int) -> Profile:
    return attrs.evolve(PROFILES[name], demo=DemoPlan(count, from_file=name in FROM_FILE))


def one_sent() -> demo.ProviderResults:
    profile = profile_of(KNOWS_REPEATS[0], 1)
    result = RecipientResult("+989123456789", Outcome.ACCEPTED, 1)
    return demo.ProviderResults(profile, credit_before=10, results=[result], cost=2837, credit_after=10 - 2837)


async def test_the_demo_finds_a_message_that_the_sandbox_never_received():
    async with Sandbox() as box:
        problems = demo.check([one_sent()], box)
    assert problems == [f"{KNOWS_REPEATS[0]}: 1 accepted do not match 0 received"]


async def test_the_demo_finds_what_was_not_accepted_and_wrongly_charged():
    sent = one_sent()
    sent.results = [RecipientResult("+989123456789", Outcome.UNKNOWN)]
    sent.credit_after = 10
    async with Sandbox() as box:
        problems = demo.check([sent], box)
    assert [problem.partition(": ")[2] for problem in problems] == [
        "0 accepted of 1 valid numbers",
        "some were rejected, or their outcome is unknown",
        "reported a cost of 2837, and charged 0",
    ]


async def test_the_demo_fails_when_a_number_does_not_add_up(monkeypatch: pytest.MonkeyPatch):
    few = {name: profile_of(name, 600 if name in FROM_FILE else 10) for name in PROFILES}
    monkeypatch.setattr(registry, "profiles", lambda: few)
    monkeypatch.setattr(demo, "DELIVERY_TIME", 0)
    monkeypatch.setattr(demo, "_accepted", lambda results, text: Counter())
    console = Console(record=True, width=100, quiet=True)
    assert await demo.run_demo(Display(console)) is False


async def test_the_demo_has_no_statuses_of_a_provider_that_reports_none():
    sent = one_sent()
    sent.profile = attrs.evolve(sent.profile, capabilities=frozenset({Capability.SENDS}))
    assert await demo.count_statuses(object(), sent) is None


async def test_the_demo_leaves_out_a_provider_that_does_not_send(monkeypatch: pytest.MonkeyPatch):
    first, *others = PROFILES
    mute = attrs.evolve(PROFILES[first], capabilities=frozenset({Capability.TELLS_CREDIT}))
    monkeypatch.setattr(registry, "profiles", lambda: PROFILES | {first: mute})
    async with Sandbox() as box:
        assert [profile.name for profile in demo.usable_profiles(box)] == others


def test_the_display_names_what_does_not_add_up():
    console = Console(record=True, width=100)
    Display(console).finished([one_sent()], [], ["some provider: lost one"])
    assert "✗ some provider: lost one" in console.export_text()


def test_the_demo_finds_a_failover_that_sent_twice_or_not_at_all():
    result = RecipientResult("+989121112255", Outcome.ACCEPTED, 1, provider="two")
    assert failover_problems(ShownFailover(result, ("two",))) == []
    assert failover_problems(None) == []
    assert failover_problems(ShownFailover(result, ("one", "two"))) == [
        "failover: reported two, and received by one, two"
    ]
    assert failover_problems(ShownFailover(result, ())) == ["failover: reported two, and received by nobody"]


def test_the_demo_finds_a_message_that_was_not_seen_to_change():
    sent, delivered = (
        Delivery("+989121112266", 1, status, provider="one")
        for status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
    )
    assert follow_problems(None) == []
    assert follow_problems(FollowedMessage("one", (sent, delivered))) == []
    assert follow_problems(FollowedMessage("one", (sent,))) == ["one: a message was followed and seen as sent"]
    assert follow_problems(FollowedMessage("one", ())) == ["one: a message was followed and seen as nothing"]


async def test_nothing_is_followed_where_no_provider_reports_deliveries():
    mute = [attrs.evolve(profile, capabilities=frozenset({Capability.SENDS})) for profile in PROFILES.values()]
    async with Sandbox() as box:
        assert await follow_one(box, mute) is None


async def test_one_provider_alone_has_no_failover_to_show():
    async with Sandbox() as box:
        assert await show_failover(box, [next(iter(PROFILES.values()))]) is None


def test_the_demo_finds_an_outcome_that_is_not_true():
    told = [
        CheckedOutcome("one", "+989121112233", Outcome.ACCEPTED, False, ""),
        CheckedOutcome("two", "+989121112244", Outcome.REJECTED, True, ""),
        CheckedOutcome("two", "+989990000011", Outcome.UNKNOWN, True, ""),
    ]
    assert problems_of(told) == [
        "one: reported accepted, which is not true",
        "two: reported rejected, which is not true",
    ]
    assert sorted(problems_of([])) == ["nobody was accepted", "nobody was rejected", "nobody was unknown"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_demo_fits_the_terminal(width: int):
    ran = run("demo", env=environment(COLUMNS=str(width)))
    assert ran.returncode == 0
    assert max(map(len, ran.stdout.splitlines())) <= width
    assert "…" not in ran.stdout


def test_the_demos_csv_holds_each_kind_of_row_once(tmp_path: Path):
    recipients.write_recipients(tmp_path / "r.csv", 600)
    rows, duplicates = recipients.distinct(recipients.read_rows(tmp_path / "r.csv"))
    assert len(rows) == 600 + 2
    assert [(odd.row.number, odd.words) for odd in duplicates] == [("09120000001", "skipped: same number as row 2")]
