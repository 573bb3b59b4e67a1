"""The audit trail on the API: the same entries, filters and files as on the page."""

from __future__ import annotations

import json

from django.db import connection
from django.test.utils import CaptureQueriesContext

from boss.core import exports
from boss.core.models import AuditEntry, AuditExport

ENTRIES, EXPORTS = "core/audit-entries/", "core/audit-exports/"


def test_entries_by_page_and_filter(api, alpha, charlies_api):
    api.post("tenancy/sites/", {"street": "1 Elm", "city": "Lakeview"})
    found = api.get(f"{ENTRIES}?action=site.&limit=1").json()["results"]
    assert [(row["action"], row["address"]) for row in found] == [("site.created", "127.0.0.1")]
    assert api.get(f"{ENTRIES}?action=site.&address=10.0.0.0/8").json()["results"] == []
    assert api.get(f"{ENTRIES}?address=nonsense").json()["results"] == []
    assert api.get(f"{ENTRIES}?since=nonsense").status_code == 422
    assert charlies_api.get(f"{ENTRIES}?action=site.").json()["results"] == []
    assert AuditEntry.objects.filter(action="audit.read").count() == 1


def test_a_list_takes_as_many_statements_for_one_entry_as_for_many(api, alpha):
    for number in range(9):
        api.post("tenancy/sites/", {"street": f"{number} Elm", "city": "Lakeview"})

    def asked(limit):
        with CaptureQueriesContext(connection) as seen:
            assert len(api.get(f"{ENTRIES}?limit={limit}").json()["results"]) == limit
        return len(seen)

    api.get(ENTRIES)
    assert asked(1) == asked(9)


def test_a_key_without_the_right_reads_nothing_and_leaves_no_trace(api_with, alpha):
    narrow = api_with(role_key="csr")
    for path in (ENTRIES, f"{ENTRIES}chain/", EXPORTS):
        assert narrow.get(path).status_code == 403
    assert narrow.post(EXPORTS, {"format": "csv"}).status_code == 403
    assert not AuditExport.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="audit.").exists()


def test_a_file_is_asked_for_awaited_and_fetched(api, alpha, charlies_api):
    assert api.post(EXPORTS, {"format": "pdf"}).status_code == 422
    assert api.post(EXPORTS, {"format": "csv", "address": "nonsense"}).status_code == 422
    asked = api.post(EXPORTS, {"format": "jsonl", "action": "audit.exported"})
    assert asked.status_code == 202
    path = f"{EXPORTS}{asked.json()['public_id']}/"
    assert api.get(f"{path}content/").status_code == 409
    exports.write(alpha.pk, AuditExport.objects.get().pk)
    assert api.get(path).json()["rows"] == 1
    (line,) = api.get(f"{path}content/").content.splitlines()
    assert json.loads(line)["after"] == {"format": "jsonl", "action": "audit.exported"}
    assert charlies_api.get(f"{path}content/").status_code == 404


def test_the_chain_says_how_far_it_is_sealed(api, alpha):
    chain = api.get(f"{ENTRIES}chain/").json()
    assert (chain["seals"], chain["head"], chain["breaks"]) == (0, "", [])
