"""What a person is shown of a task's values: no secrets, and nothing that only the database knows."""

from __future__ import annotations

from workflow.values import for_people


def test_the_numbers_of_rows_are_left_out_at_any_depth():
    values = {"order_id": 17, "id": 3, "service_ids": [1, 2], "sites": [{"site_id": 4, "street": "Elm"}], "amount": 5}
    assert for_people(values) == {"sites": [{"street": "Elm"}], "amount": 5}


def test_what_people_know_things_by_stays():
    values = {"caller_id": "Maria Ortiz", "transaction_id": "tx-9", "had_id": True, "width": 3}
    assert for_people(values) == values


def test_secrets_are_dots_and_nothing_is_nothing():
    assert for_people({"password": "hunter2"})["password"] != "hunter2"
    assert for_people(None) == {}
