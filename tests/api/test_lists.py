"""Lists page by cursor, never count, and cost the same number of statements however long they are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

SITES = "tenancy/sites/"


@pytest.fixture
def nine_sites(api):
    return [api.post(SITES, {"street": f"{n} Elm", "city": "Lakeview"}).json() for n in range(1, 10)]


def test_pages_follow_one_another_without_gap_or_repeat(api, nine_sites):
    seen, path = [], f"{SITES}?limit=2"
    while path:
        page = api.get(path).json()
        seen += [row["public_id"] for row in page["results"]]
        path = page["next"] and page["next"].split("/api/v1/")[1]
    assert sorted(seen) == sorted(row["public_id"] for row in nine_sites)
    assert len(seen) == len(set(seen)) == 9


def test_a_list_can_be_ordered_by_what_it_declares(api, nine_sites):
    listed = [row["street"] for row in api.get(f"{SITES}?ordering=address_norm&limit=5").json()["results"]]
    assert listed == ["1 Elm", "2 Elm", "3 Elm", "4 Elm", "5 Elm"]


def test_an_address_finds_its_site_as_people_spell_it(api, nine_sites):
    found = api.get(f"{SITES}?address=3%20ELM,%20Lake").json()["results"]
    assert [row["street"] for row in found] == ["3 Elm"]


@pytest.mark.parametrize("path", ["tenancy/sites/", "tenancy/users/", "tenancy/organizations/", "tenancy/api-keys/"])
def test_a_list_takes_few_statements_and_never_counts(api, nine_sites, path):
    def asked(limit: int) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{path}?limit={limit}").status_code == 200
        said = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
        # Finding the host's realm and the key is what authentication costs.
        return [
            sql
            for sql in said
            if not any(t in sql for t in ("tenancy_realm", '"tenancy_apikey"."secret_hash" =', "set_config"))
        ]

    api.get(path)
    short, long = asked(1), asked(9)
    assert len(short) == len(long), (short, long)
    assert not any("COUNT(" in sql.upper() for sql in long)
