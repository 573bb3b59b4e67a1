"""Forms beside a ticket ask for what is wanted while somebody types, decided by the server as when they are sent."""

from __future__ import annotations

import re
from typing import Any

import pytest

from boss.core.actors import Actor
from tests.cast import Cast
from ticketing.fields import FieldDef
from ticketing.models import Ticket
from ticketing.services import categories, tickets
from ticketing.statuses import StatusDef

CONDITIONAL = [
    FieldDef("cause", "choice", label="Cause", choices=(("cable", "Cable"), ("other", "Other"))),
    FieldDef(
        "which", "text", label="Which cable",
        visible_when={"==": [{"var": "fields.cause"}, "cable"]},
    ),
    FieldDef("told", "boolean", label="Customer was told"),
]  # fmt: skip
ENDS = [
    StatusDef("checked", "Checked", "open", require_fields=("cause", "which", "told")),
    StatusDef("mended", "Mended", "resolved", require_fields=("cause", "which")),
]


@pytest.fixture
def conditional(alpha: Any, system: Actor) -> Ticket:
    """A ticket whose statuses want a cause, and of a cable also which one."""
    categories.create(actor=system, key="faults", name="Faults", fields=CONDITIONAL, statuses=ENDS)
    return tickets.open(actor=system, category_key="faults", title="No signal")


def section(page: str) -> str:
    """The part of the page in which a ticket is ended."""
    return page.split('id="resolve"')[1].split("</section>")[0]


HTMX = {"HX-Request": "true"}


def test_another_status_asks_for_what_it_wants_while_one_chooses_and_keeps_nothing(
    conditional: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob, address = browser_of(cast.bob), f"/console/tickets/{conditional.public_id}/move/"
    first = bob.post(address, {"choose": "1", "status": "checked", "reason": "I looked"}, headers=HTMX)
    page = first.content.decode()
    assert first.status_code == 200 and "<html" not in page  # the form alone
    assert 'name="data.cause"' in page and 'name="data.which"' not in page and 'value="I looked"' in page
    assert 'name="on_page" value="cause,told"' in page
    typed = {"status": "checked", "reason": "I looked", "data.cause": "cable", "data.told": "on"}
    on_page = {"on_page": "cause,told"}
    page = bob.post(address, {"choose": "1", **typed, **on_page}, headers=HTMX).content.decode()
    assert 'name="data.which"' in page and '<option value="cable" selected>' in page
    assert re.search(r'name="data.told"[^>]* checked', page)
    refused = bob.post(address, {**typed, **on_page})
    assert refused.status_code == 422 and 'id="id_data.which_error"' in refused.content.decode()
    conditional.refresh_from_db()
    assert (conditional.status, conditional.data) == ("new", {})
    sent = bob.post(address, {**typed, "data.which": "C7", "on_page": "cause,told,which"})
    assert sent.status_code == 302
    conditional.refresh_from_db()
    assert conditional.status == "checked" and conditional.data == {"cause": "cable", "which": "C7", "told": True}


def test_resolving_asks_by_what_is_filled_in_and_without_a_script_a_button_does(
    conditional: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob, address = browser_of(cast.bob), f"/console/tickets/{conditional.public_id}/resolve/"
    page = bob.get(f"/console/tickets/{conditional.public_id}/").content.decode()
    assert 'hx-target="#resolve"' in page and 'name="data.which"' not in section(page)
    typed = {"choose": "1", "data.cause": "cable", "note": "Found it", "on_page": "cause"}
    part = bob.post(address, typed, headers=HTMX).content.decode()
    assert part.lstrip().startswith('<section class="card" id="resolve"') and 'name="data.which"' in part
    assert "Found it</textarea>" in part
    whole = bob.post(address, typed).content.decode()
    assert "<html" in whole and 'name="data.which"' in section(whole)
    other = bob.post(address, {**typed, "data.cause": "other"}, headers=HTMX).content.decode()
    assert 'name="data.which"' not in other
    conditional.refresh_from_db()
    assert conditional.is_open and conditional.data == {}
    assert bob.post(address, {"data.cause": "other", "note": "Found it", "on_page": "cause"}).status_code == 302
    conditional.refresh_from_db()
    assert conditional.state == "resolved" and conditional.data == {"cause": "other"}
