"""Matches the entries of an answer to the recipients or ids of the request, for any provider.

Some providers answer a send with one entry for each recipient, and name the recipient in it. No document promises their
order, and answers have come with entries in another order, missing or doubled. So an entry belongs to the recipient
that it names, at any position, and one that could belong to several belongs to nobody: a wrong id on a result is worse
than none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from smscore.errors import SMSError
from smscore.numbers import local_forms
from smscore.wire.batch import Batch
from smscore.wire.endpoint import Answer
from smscore.wire.error_mapping import malformed

__all__ = ["match_entries", "match_ids", "missing_entries"]

E = TypeVar("E")


def match_entries(
    batch: Batch,
    entries: Sequence[E],
    *,
    number: Callable[[E], str | int],
    text: Callable[[E], str | None] | None = None,
    refused: Callable[[E], bool] | None = None,
) -> Sequence[E | None]:
    """The entry of each recipient of the batch, in the batch's order; None where it has none.

    ``number`` returns the number that an entry names, in any spelling. ``text`` returns the text that it repeats, and
    tells several messages to one number apart; leave it out where the provider repeats none.

    Messages to one number that their texts do not tell apart take its entries in the order of the answer. Where their
    texts differ, they do so only if there are as many entries as messages; otherwise each of them gets None. An entry
    that names nobody in the batch is ignored.

    ``refused`` returns whether an entry says that its message was refused. A number that has an entry too many which
    contradicts another then gets None: taken and refused at once, it is neither.
    """
    # The usual answer has everybody once, in order: whole columns are compared, since a batch may have 10,000 entries.
    one_text = len(batch.texts) == 1
    if one_text and [*map(number, entries)] == batch.recipients:
        return entries
    numbers = _local_numbers(entries, number)
    no_duplicates = len(set(batch.recipients)) == len(batch)
    if numbers == batch.recipients and (no_duplicates or one_text):
        return entries
    by_number = dict(zip(numbers, entries, strict=True))
    if no_duplicates and len(by_number) == len(entries):
        return [by_number.get(recipient) for recipient in batch.recipients]
    found = _match_one_by_one(batch, entries, numbers, number, text)
    if refused is not None:
        _drop_contradicted(found, batch, entries, numbers, refused)
    return found


def match_ids(ids: Sequence[int], entries: Sequence[E], *, id_of: Callable[[E], int]) -> list[E | None]:
    """The entry of each message id, in the order of ``ids``; None where there is none. Of two, the last counts."""
    by_id = {id_of(entry): entry for entry in entries}
    return [by_id.get(id_) for id_ in ids]


def missing_entries(answer: Answer, matched: Sequence[object], *, provider: str) -> dict[int, SMSError]:
    """The error of each recipient without an entry, by its place in the batch: whether it was taken is not known.

    For ``with_errors``; empty where everybody has one. Raises ``MalformedResponse`` where nobody has: such an answer
    says nothing of the batch.
    """
    if all(matched):  # the usual answer; a tenth of the time of the list below, for 10,000 entries
        return {}
    places = [place for place, entry in enumerate(matched) if entry is None]
    if len(places) == len(matched):
        raise malformed(answer, "no entry for any recipient", provider=provider)
    error = malformed(answer, "no entry for this recipient", provider=provider, of_one=True)
    return dict.fromkeys(places, error)


def _local_numbers(entries: Sequence[E], number: Callable[[E], str | int]) -> list[str]:
    """The number of each entry as ``09123456789``, or unchanged if it is not a mobile number."""
    given = list(map(number, entries))
    return [form or str(one) for form, one in zip(local_forms(given), given, strict=True)]


def _match_one_by_one(
    batch: Batch,
    entries: Sequence[E],
    numbers: Sequence[str],
    number: Callable[[E], str | int],
    text: Callable[[E], str | None] | None,
) -> list[E | None]:
    one_text = len(batch.texts) == 1
    found: list[E | None] = [None] * len(batch)
    rest = [*entries]
    if text is not None:
        texts = batch.texts * len(batch) if one_text else batch.texts
        wanted = list(zip(batch.recipients, texts, strict=True))
        keys = list(zip(numbers, map(text, rest), strict=True))
        rest = _assign(found, wanted, rest, keys)
    # A provider may repeat a text changed (an emoji cut in two, other letters): then the number has to do.
    _assign(found, batch.recipients, rest, _local_numbers(rest, number), only_complete=not one_text)
    return found


def _assign(
    found: list[E | None],
    wanted: Sequence[Hashable],
    entries: list[E],
    keys: Sequence[Hashable],
    *,
    only_complete: bool = False,
) -> list[E]:
    """Put each entry into the first free place that wants its key, and return the entries left over.

    ``only_complete``: only for keys with as many entries as places, since otherwise it is not known whose is whose.
    """
    free: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place in range(len(wanted) - 1, -1, -1):
        if found[place] is None:
            free[wanted[place]].append(place)
    if only_complete:
        came = Counter(keys)
        free = defaultdict(list, {key: places for key, places in free.items() if came[key] == len(places)})
    rest: list[E] = []
    for entry, key in zip(entries, keys, strict=True):
        places = free.get(key)
        if places:
            found[places.pop()] = entry
        else:
            rest.append(entry)
    return rest


def _drop_contradicted(
    found: list[E | None],
    batch: Batch,
    entries: Sequence[E],
    numbers: Sequence[str],
    refused: Callable[[E], bool],
) -> None:
    """Take the entry from each recipient who has more entries than messages, some of which say no and some yes."""
    asked, came = Counter(batch.recipients), Counter(numbers)
    answers: defaultdict[str, set[bool]] = defaultdict(set)
    for number, entry in zip(numbers, entries, strict=True):
        if came[number] > asked[number]:
            answers[number].add(refused(entry))
    for place, recipient in enumerate(batch.recipients):
        if len(answers.get(recipient, ())) > 1:
            found[place] = None
