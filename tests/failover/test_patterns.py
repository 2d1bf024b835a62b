"""What each provider sends of a pattern, and what is refused before anything leaves."""

from __future__ import annotations

import pytest

from smscore import Approved, InvalidRequest, Pattern

PARAMS = {"code": "04521", "name": "سارا"}


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        (Approved("login"), ("login", PARAMS)),
        (Approved("login", {"code": "token"}), ("login", {"token": "04521", "name": "سارا"})),
        ("کد شما {code}", "کد شما 04521"),
        ("{name}: { code }", "سارا: 04521"),
        ("{{code}} {code}", "{code} 04521"),
        ("بدون کد", "بدون کد"),
    ],
)
def test_a_pattern_becomes_what_its_provider_sends(given: Approved | str, prepared: object) -> None:
    assert Pattern(najva=given).prepared("najva", PARAMS) == prepared


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("کد {pin}", "missing: pin"),
        (Approved("login", {"pin": "token"}), "missing: pin"),
        (Approved("login", {"code": "name"}), "two parameters one name"),
        ("کد {", "single brace"),
        ("کد }", "single brace"),
        ("کد {}", "not a parameter's name"),
        ("کد {0.code}", "not a parameter's name"),
        ("کد {code!r}", "not a parameter's name"),
        ("کد {code:>5}", "not a parameter's name"),
        ("{code[0]}", "not a parameter's name"),
        ("", "text"),
        (5, "not int"),
    ],
)
def test_a_pattern_that_does_not_fit_its_parameters_is_an_invalid_request(given: object, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as caught:
        Pattern(najva=given).prepared("najva", PARAMS)  # type: ignore[arg-type]
    assert "04521" not in str(caught.value)


def test_a_patterns_repr_shows_its_providers_alone() -> None:
    assert repr(Pattern(najva="کد {code}", ippanel=Approved("x"))) == "Pattern(najva, ippanel)"
