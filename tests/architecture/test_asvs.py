"""The page on security says what the tests check, and nothing else."""

from __future__ import annotations

from boss.platform import asvs


def test_the_table_of_what_is_checked_is_up_to_date():
    assert not asvs.is_stale(), "run `make docs`"


def test_every_item_a_test_names_has_words():
    assert {item for item, _test in asvs.marked()} <= set(asvs.ITEMS)
