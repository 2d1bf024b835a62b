"""Columns that take little room hold what a list would."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from smscore.columns import NO_ID, IdColumn, SpanColumn, SparseColumn, TimeColumn
from smscore.dates import from_unix

SIZE = 30

places = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda ends: range(min(ends), max(ends)))
positions = places | st.lists(st.integers(0, SIZE - 1), unique=True)
ids = st.none() | st.integers(-(2**63) + 1) | st.sampled_from([0, -(2**63) + 1, 2**63 - 1, 2**63, 2**70])


@given(st.lists(positions), st.data())
def test_ids_are_those_that_were_written(writes: list[Sequence[int]], data: st.DataObject) -> None:
    column, plain = IdColumn(SIZE), [None] * SIZE
    for where in dict.fromkeys(map(tuple, writes)):
        free = [place for place in where if plain[place] is None]
        values = data.draw(st.lists(ids, min_size=len(free), max_size=len(free)))
        column.put(free, values)
        for place, value in zip(free, values, strict=True):
            plain[place] = value
    assert list(column) == [column[place] for place in range(SIZE)] == plain


@given(places, st.data())
def test_ids_are_written_alike_by_range_and_by_list(where: range, data: st.DataObject) -> None:
    values = data.draw(st.lists(ids, min_size=len(where), max_size=len(where)))
    by_range, by_list = IdColumn(SIZE), IdColumn(SIZE)
    by_range.put(where, values)
    by_list.put(list(where), values)
    assert list(by_range) == list(by_list)


# Batches in any order, a part of which may never end
batches = st.permutations([range(6), range(6, 13), [13, 15], [14, 16], range(17, 24), range(24, SIZE)]).flatmap(
    lambda all_: st.integers(0, len(all_)).map(lambda ended: all_[:ended])
)


@given(batches)
def test_columns_are_whole_in_whatever_order_their_batches_end(writes: list[Sequence[int]]) -> None:
    column, times, plain = IdColumn(SIZE), TimeColumn(SIZE), [None] * SIZE
    for where in writes:
        column.put(where, list(where))
        times.put(where, float(where[0]))
        for place in where:
            plain[place] = where[0]
    assert list(column) == [None if start is None else place for place, start in enumerate(plain)]
    assert list(column.packed()) == [NO_ID if id_ is None else id_ for id_ in column]
    assert [times[place] for place in range(SIZE)] == [None if start is None else from_unix(start) for start in plain]
    assert [None if math.isnan(moment) else moment for moment in times.packed()] == plain
    copy = TimeColumn(SIZE)
    copy.copy(range(SIZE), times, range(SIZE)[::-1])
    assert [copy[place] for place in range(SIZE)] == [times[place] for place in reversed(range(SIZE))]


@given(st.lists(positions))
def test_rare_entries_are_those_that_were_written(writes: list[Sequence[int]]) -> None:
    column: SparseColumn[int] = SparseColumn(SIZE)
    plain = [None] * SIZE
    for value, where in enumerate(writes):
        column.put(where, value)
        for place in where:
            plain[place] = value
    assert list(column) == [column[place] for place in range(SIZE)] == plain


@given(st.permutations([range(5), range(5, 6), [7, 9, 20], [8, 21], range(22, 30), []]))
def test_shared_entries_are_found_in_whatever_order_they_were_written(writes: list[Sequence[int]]) -> None:
    column: SpanColumn[str] = SpanColumn()
    for where in writes:
        column.put(where, str(list(where)))
    found = {place: str(list(where)) for where in writes for place in where}
    assert [column[place] for place in range(SIZE)] == [found.get(place) for place in range(SIZE)]


def test_columns_pickle():
    column = IdColumn(3)
    column.put(range(3), [1, None, 2**80])
    assert list(pickle.loads(pickle.dumps(column))) == [1, None, 2**80]
