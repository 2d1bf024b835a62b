"""Shared by XLSX and XLSB: the built-in number formats, and the formats of the styles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import frozen

from smscore.recipients.cells import Format

NO_RESULT: Final = "is a formula without a result: open the file in Excel or LibreOffice and save it"
ERROR: Final = "is a spreadsheet error"

_SYSTEM_FORMAT: Final = "[its language's own date]"  # unreadable on purpose: it makes the row invalid

# ECMA-376, part 1, 18.8.30: numFmtId, for English.
BUILT_IN: Final[Mapping[int, str]] = {
    **dict(enumerate(("General", "0", "0.00", "#,##0", "#,##0.00"))),
    5: '"$"#,##0_);("$"#,##0)',
    6: '"$"#,##0_);[Red]("$"#,##0)',
    7: '"$"#,##0.00_);("$"#,##0.00)',
    8: '"$"#,##0.00_);[Red]("$"#,##0.00)',
    **dict(enumerate(("0%", "0.00%", "0.00E+00", "# ?/?", "# ??/??"), 9)),
    **dict(enumerate(("m/d/yyyy", "d-mmm-yy", "d-mmm", "mmm-yy"), 14)),
    **dict(enumerate(("h:mm AM/PM", "h:mm:ss AM/PM", "h:mm", "h:mm:ss", "m/d/yyyy h:mm"), 18)),
    **dict.fromkeys((*range(27, 37), *range(50, 59)), _SYSTEM_FORMAT),
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: '_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)',
    42: '_("$"* #,##0_);_("$"* (#,##0);_("$"* "-"_);_(@_)',
    43: '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)',
    44: '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)',
    **dict(enumerate(("mm:ss", "[h]:mm:ss", "mm:ss.0", "##0.0E+0", "@"), 45)),
}
_SYSTEM_DATES: Final = frozenset({14, 22})


@frozen
class Styles:
    """The number formats of a workbook's styles, by style number; without those that change nothing."""

    numbers: Mapping[str, Format]
    texts: Mapping[str, Format]


def styles_of(format_ids: Iterable[int], codes: Mapping[int, str], *, date1904: bool) -> Styles:
    """The styles with these format numbers, in order; ``codes`` are the workbook's own formats."""
    formats = {
        str(place): Format(
            codes.get(id_, BUILT_IN.get(id_, "General")), date1904, id_ in _SYSTEM_DATES and id_ not in codes
        )
        for place, id_ in enumerate(format_ids)
    }
    numbers = {place: one for place, one in formats.items() if not one.is_general}
    return Styles(numbers, {place: one for place, one in numbers.items() if one.changes_texts})


_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """A text with escapes such as ``_x000D_`` decoded (ECMA-376, part 1, 22.9.2.19)."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


class NameCache(dict[str, str]):
    """Caches a function of names that recur."""

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def __missing__(self, name: str) -> str:
        found = self[name] = self._function(name)
        return found
