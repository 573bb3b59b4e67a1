"""The drawn workflow editor in a real browser: a workflow from nothing to its reversal; keys; two people at one draft.

With ``BOSS_PICTURES=1`` the journey writes the pictures of ``docs/draw-a-workflow.md`` anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from playwright.sync_api import expect

from boss.console.graph import layout
from boss.core import scoping
from boss.platform.demo import building
from boss.platform.demo.trilakes import plans
from boss.tenancy.models import Site
from subscribers.models import Order
from tests.browser.portal_look import Look
from tests.browser.test_console import colleague, finish_next, furniture, realm_id, sign_in
from workflow.models import Definition, DefinitionDraft, Run, TaskRun

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from boss.platform.testing.processes import Workers

__all__ = ["colleague", "furniture", "realm_id"]

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
PLAN_TITLE = "Internet 100"


@pytest.fixture
def operator(realm_id: int, live_url: str, page: Page) -> Page:
    """Rosa, who administers Tri-Lakes Cable, at a desk."""
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, live_url, "rosa")
    return page


def picture(page: Page, name: str) -> None:
    if os.environ.get("BOSS_PICTURES"):
        page.wait_for_timeout(400)
        page.screenshot(path=str(PICTURES / f"draw-{name}.png"))


class Drawing:
    """The editor's page, in the words of somebody who draws."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.boxes = page.locator(".react-flow__node")
        self.edges = page.locator(".react-flow__edge")

    def box(self, title: str) -> Locator:
        exact = self.page.locator(".wf-node-title", has_text=re.compile(f"^{re.escape(title)}$"))
        return self.page.locator(".react-flow__node", has=exact)

    def offer(self, title: str) -> Locator:
        return self.page.locator(".wf-offer", has_text=re.compile(f"^{re.escape(title)}(cannot undo)?$"))

    def choose(self, *titles: str) -> None:
        for place, title in enumerate(titles):
            self.box(title).click(position={"x": 90, "y": 12}, modifiers=["Control"] if place else [])

    def add(self, title: str, *, after: tuple[str, ...] = (), called: str = "") -> None:
        """Click it in the palette while what comes before it is chosen."""
        before = self.boxes.count()
        if after:
            self.choose(*after)
        self.offer(title).click()
        self.boxes.nth(before).wait_for()
        if called:
            self.page.get_by_label("Title", exact=True).fill(called)
            self.page.keyboard.press("Tab")
            self.box(called).wait_for()

    def drag_in(self, title: str, x: int, y: int) -> None:
        self.offer(title).drag_to(self.page.locator(".wf-canvas"), target_position={"x": x, "y": y})
        self.box(title).wait_for()

    def connect(self, source: str, target: str) -> None:
        """From the lower edge of one box to the upper edge of another."""
        before = self.edges.count()
        start = self.box(source).locator(".react-flow__handle-bottom").bounding_box()
        end = self.box(target).locator(".react-flow__handle-top").bounding_box()
        assert start and end
        self.page.mouse.move(start["x"] + 4, start["y"] + 4)
        self.page.mouse.down()
        self.page.mouse.move(end["x"] - 15, end["y"] - 15, steps=5)
        self.page.mouse.move(end["x"] + 4, end["y"] + 4, steps=5)
        self.page.mouse.up()
        self.edges.nth(before).wait_for()

    def unfold(self, part: str) -> None:
        summary = self.page.locator(".wf-part > summary", has_text=part)
        if not summary.evaluate("element => element.parentElement.open"):
            summary.click()

    def only_if(self, what: str, value: str) -> None:
        self.unfold("When it runs")
        self.page.get_by_role("button", name="Condition", exact=True).click()
        self.page.get_by_label("Condition 1: what").select_option(label=what)
        self.page.get_by_label("Condition 1: value").select_option(label=value)

    def retry(self, attempts: str, pause: str) -> None:
        self.unfold("If it fails")
        self.page.get_by_label("Attempts").fill(attempts)
        self.page.get_by_label("First pause (s)").fill(pause)

    def takes(self, days: str) -> None:
        self.unfold("Time and key")
        self.page.get_by_label("It should take: unit").select_option(label="days")
        self.page.get_by_label("It should take", exact=True).fill(days)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=re.compile(f"^{name}")).click()

    def saved(self) -> None:
        self.page.locator(".wf-saved-saved").wait_for()


def draw_sign_up(page: Page) -> Drawing:
    """The workflow of the article: who, whether he pays, what is there, then everything at once, then welcome."""
    drawing = Drawing(page)
    drawing.tab("Workflow")
    page.get_by_role("button", name="Run input").click()
    page.get_by_label("Label").fill("Payment")
    page.get_by_label("Type").select_option(label="One choice")
    page.get_by_label("Choices").fill("card: Card\ncash: Cash")
    page.get_by_label("Required").check()

    drawing.add("Verify the address")
    drawing.add("Check credit")
    drawing.only_if("Payment", "Cash")
    drawing.drag_in("Pre-authorise the card", 440, 300)
    drawing.connect("Verify the address", "Pre-authorise the card")
    page.get_by_label("Amount (optional)").select_option(label="value")
    page.locator('[data-place="tasks.preauthorize_card.with.amount"] input').fill("1")
    drawing.only_if("Payment", "Card")
    page.get_by_role("button", name="Arrange").click()
    picture(page, "branches")

    drawing.add("Create account and users", after=("Check credit", "Pre-authorise the card"))
    drawing.add("People’s work", called="Survey the site")
    drawing.tab("Problems")
    page.locator(".wf-problems button", has_text="Who does it?").click()
    expect(page.locator('[data-place="tasks.survey_the_site.pool"] select')).to_be_focused()
    picture(page, "problem")
    page.keyboard.type("Field")
    page.get_by_label("Instructions", exact=True).fill("Measure at the outlet and say what is there.")
    page.get_by_role("button", name="Field", exact=True).click()
    page.get_by_label("Label").fill("Line found")
    page.get_by_label("Type").select_option(label="One choice")
    page.get_by_label("Choices").fill("good: Good\npoor: Poor")
    page.get_by_label("Required").check()
    drawing.unfold("How it is undone")
    page.get_by_label("Undo", exact=True).select_option(label="nothing to undo")
    drawing.takes("2")

    drawing.add("People’s work", called="Mend the line")
    page.get_by_label("Pool", exact=True).select_option(label="Field")
    page.get_by_label("Instructions", exact=True).fill("Mend what the survey has found.")
    drawing.only_if("Line found", "Poor")
    drawing.unfold("How it is undone")
    page.get_by_label("Undo", exact=True).select_option(label="nothing to undo")
    drawing.takes("5")

    drawing.add("Plan the services", after=("Survey the site", "Mend the line"))
    drawing.add("Set addresses aside")
    family = "Set up the services of a family"
    parallel = {"Log-in": "access", "Mailboxes": "mail", "Lease": "ip", "Host name": "dns"}
    for called, key in parallel.items():
        before = "Set addresses aside" if key in ("ip", "dns") else "Plan the services"
        drawing.add(family, after=(before,), called=called)
        page.locator('[data-place$=".with.family"] select').first.select_option(label="value")
        page.locator('[data-place$=".with.family"] select').last.select_option(value=key)
        drawing.retry("2", "1")
        page.get_by_label("Pool", exact=True).select_option(label="Network operations")
    drawing.add("Start charges", after=tuple(parallel))
    drawing.add("Send the welcome mail")
    drawing.unfold("How it is undone")
    page.get_by_label("Point of no return").check()
    page.get_by_label("What is to be done about it then").fill("Call the customer and apologise.")
    drawing.tab("Problems")
    expect(page.locator("#wf-shown")).to_have_text("Nothing is wrong. It can be published.")
    drawing.saved()
    return drawing


def sell_it(page: Page, title: str) -> None:
    """From the published workflow to the plan that is sold with it, as the operator clicks."""
    page.get_by_role("link", name="Let a plan use it…").click()
    page.get_by_role("link", name=PLAN_TITLE, exact=True).click()
    activate = page.get_by_label("Activate", exact=True)
    expect(activate.locator("option:checked")).to_have_text(re.compile(f"^{title} "))
    picture(page, "plan")
    page.get_by_role("button", name="Sell it with these").click()
    page.locator(".toast-line", has_text="is on sale").wait_for()


def order(browser: Browser, base: str, realm: int, name: str, pays: str, house: int) -> Order:
    """A visitor signs up for the plan on a phone."""
    with scoping.realm_transaction(realm, "test"):
        site = Site.objects.order_by("id")[house]
    phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    phone.set_default_timeout(30_000)
    phone.goto(f"{base}/signup/")
    phone.get_by_label("Street address").fill(f"{site.street}, {site.city}")
    phone.get_by_role("button", name="Check this address").click()
    phone.get_by_role("heading", name="Choose your plan").wait_for()
    phone.get_by_label(PLAN_TITLE).check()
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("heading", name=f"Make {PLAN_TITLE} yours").wait_for()
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_label("Full name").fill(name)
    phone.get_by_label("E-mail").fill(f"{name.lower().replace(' ', '.')}@mail.example")
    phone.get_by_label("Phone").fill("512 555 0142")
    phone.get_by_label(re.compile(f"^{pays}")).check()
    if pays == "Card:":
        phone.get_by_label("Card token").fill("tok_ok")
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_label(re.compile("I have read")).check()
    phone.get_by_role("button", name="Place order").click()
    phone.get_by_role("heading", name=re.compile("Your order O-")).wait_for()
    phone.context.close()
    with scoping.realm_transaction(realm, "test"):
        return Order.objects.get(contact_name=name)


def set_mail(page: Page, base: str, down: bool) -> None:
    page.goto(f"{base}/console/network/")
    server = page.locator("li", has=page.get_by_text("Mail server", exact=True))
    server.get_by_text("Failure sliders").click()
    server.get_by_label("Down").set_checked(down)
    server.get_by_role("button", name="Set").click()
    page.locator(".toast-line", has_text="Mail server").wait_for()


def prints_on_one_sheet(page: Page, look: Look) -> None:
    """A4 between margins: the frame of the console is gone, and the whole graph is there."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    expect(page.locator(".console-rail")).to_be_hidden()
    graph = page.locator("svg.graph").bounding_box()
    assert graph and graph["width"] <= 718 and graph["height"] <= 1000
    look.photograph("print")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_operator_draws_a_workflow_publishes_it_runs_it_mends_one_run_and_reverses_another(
    operator: Page, colleague: Page, browser: Browser, realm_id: int, live_url: str, workers: Workers
) -> None:
    workers(1)
    workers.beat()
    base = live_url.rstrip("/")
    page, look = operator, Look(operator, "editor")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{base}/console/workflows/")
    page.get_by_role("link", name="New workflow").click()
    page.get_by_label("Title").fill("Article sign-up")
    page.get_by_role("button", name="Draw it").click()
    page.get_by_text("Nothing is drawn yet.").first.wait_for()
    drawing = draw_sign_up(page)
    page.get_by_role("button", name="Arrange").click()
    drawing.choose("Survey the site")
    picture(page, "whole")
    look.judge("the editor with a task's form")

    drawing.tab("What if")
    page.get_by_text(re.compile("^It takes about")).wait_for()
    page.get_by_label("Payment", exact=True).select_option(label="Cash")
    page.locator(".wf-node.wf-ok", has_text="Check credit").wait_for()
    page.locator(".wf-path li", has_text="Mailboxes").get_by_role("button", name="undo here").click()
    page.get_by_role("heading", name="Undone after “Mailboxes”").wait_for()
    picture(page, "what-if")
    look.judge("the dry run")

    page.get_by_role("button", name="Publish…").click()
    page.get_by_label("What is new?").fill("As in the article: pay first, look, then all at once.")
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    page.get_by_role("heading", name="Article sign-up", exact=True).wait_for()
    page.wait_for_url(re.compile("/workflows/[0-9a-z]{12}/$"))
    page.get_by_text("As in the article").wait_for()
    picture(page, "published")
    with scoping.realm_transaction(realm_id, "test"):
        definition = Definition.objects.get(key="article-sign-up")
        assert definition.current.published_by == "Rosa Delgado"
        assert not DefinitionDraft.objects.exists(), "what is published is no draft any more"

    # It is sold and runs: one customer pays by card, one in cash, and the mail server breaks.
    sell_it(page, "Article sign-up")
    set_mail(page, base, True)
    card = order(browser, base, realm_id, "Maria Ortiz", "Card:", 0)
    cash = order(browser, base, realm_id, "Walter Gruen", "Cash or", 1)
    with scoping.realm_transaction(realm_id, "test"):
        card_run, cash_run = (Run.objects.get(pk=one.run_id) for one in (card, cash))
    page.goto(f"{base}/console/runs/{card_run.public_id}/")
    page.get_by_text("“Survey the site” waits for people.").wait_for(timeout=60_000)
    page.goto(f"{base}/console/runs/{cash_run.public_id}/")
    page.get_by_text("“Survey the site” waits for people.").wait_for(timeout=60_000)
    sign_in(colleague, live_url, "frank")
    for _each in range(2):
        finish_next(colleague, {"Line found": "Good"}, "Survey the site")

    # Maria's mailboxes fail for good; somebody makes them by hand, and says so in the ticket.
    page.goto(f"{base}/console/runs/{card_run.public_id}/")
    page.get_by_text(re.compile("“Mailboxes” needs a person")).wait_for(timeout=60_000)
    page.locator(".graph-node.graph-bad").wait_for()
    picture(page, "needs-a-person")
    page.locator(".alert", has_text="Mailboxes").get_by_role("link").last.click()
    page.get_by_role("link", name="Done", exact=True).click()
    page.locator("#resolve").get_by_role("button", name="Done", exact=True).click()
    page.goto(f"{base}/console/runs/{card_run.public_id}/")
    page.locator("#graph-h + .status", has_text="Completed").wait_for(timeout=60_000)
    picture(page, "completed")
    prints_on_one_sheet(page, look)

    # Walter has changed his mind: his run is undone, the mail server well again or not.
    page.goto(f"{base}/console/runs/{cash_run.public_id}/reverse/")
    page.get_by_label("Reason").fill("The customer has changed his mind.")
    page.get_by_label(re.compile("^Yes, undo everything")).check()
    picture(page, "undo")
    page.get_by_role("button", name="Undo everything").click()
    set_mail(page, base, False)
    page.goto(f"{base}/console/runs/{cash_run.public_id}/")
    page.locator("#graph-h + .status", has_text="Undone").wait_for(timeout=60_000)
    picture(page, "undone")
    with scoping.realm_transaction(realm_id, "test"):
        assert {Run.objects.get(pk=one.pk).state for one in (card_run, cash_run)} == {"completed", "reversed"}
        skipped = set(TaskRun.objects.filter(state="skipped").values_list("run_id", "key"))
        assert {(card_run.pk, "check_credit"), (cash_run.pk, "preauthorize_card")} <= skipped
    assert look.errors == []


@pytest.fixture
def draft(operator: Page, realm_id: int, live_url: str) -> Drawing:
    """The shipped workflow of a triple play, open in the editor."""
    with scoping.realm_transaction(realm_id, "test"):
        public_id = Definition.objects.get(key=plans.NEW_TRIPLE_PLAY).public_id
    operator.goto(f"{live_url.rstrip('/')}/console/workflows/{public_id}/")
    operator.get_by_role("button", name="Edit").click()
    operator.locator(".react-flow__node").first.wait_for()
    return Drawing(operator)


def document_of(realm: int) -> dict[str, Any]:
    with scoping.realm_transaction(realm, "test"):
        found: dict[str, Any] = DefinitionDraft.objects.get().document
        return found


def test_the_editor_and_the_server_draw_the_same(draft: Drawing, realm_id: int) -> None:
    document = yaml.safe_load((Path(building.__file__).parent / "definitions" / "new-triple-play.yaml").read_text())
    keys = [task["key"] for task in document["tasks"]]
    edges = [(before, task["key"]) for task in document["tasks"] for before in task.get("after", ())]
    expected = {box.key: (round(box.x, 1), round(box.y, 1)) for box in layout.draw(keys, edges).boxes}
    drawn = draft.boxes.evaluate_all(
        r"""all => all.map(one => [one.dataset.id, ...one.style.transform.match(/-?[\d.]+/g).map(Number)])"""
    )
    assert {key: (x, y) for key, x, y in drawn} == expected
    assert draft.edges.count() == len(edges)
    # Tab walks the tasks as they are read: layer by layer, from left to right.
    places = [expected[key] for key, _x, _y in drawn]
    assert [y for _x, y in places] == sorted(y for _x, y in places)


def test_everything_is_done_with_the_keyboard_and_taken_back(draft: Drawing, realm_id: int) -> None:
    page, many = draft.page, draft.boxes.count()
    draft.box("Hold a port").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("!")
    page.keyboard.press("Escape")
    expect(draft.box("Hold a port!")).to_be_focused()
    for _press in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+d")
    draft.boxes.nth(many).wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    draft.boxes.nth(2 * many + 1).wait_for()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    draft.saved()
    changed = document_of(realm_id)
    assert len(changed["tasks"]) == many and len(changed["layout"]) == many
    assert next(task for task in changed["tasks"] if task["key"] == "hold_port")["title"] == "Hold a port!"
    draft.box("Hold a port!").focus()
    page.keyboard.press("Delete")
    expect(draft.boxes).to_have_count(many - 1)
    draft.saved()
    by_key = {task["key"]: task for task in document_of(realm_id)["tasks"]}
    assert "qualify_site" in by_key["book_window"]["after"], "what came after it comes after what was before it"
    for _press in range(8):
        page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo (Ctrl Z)")).to_be_disabled()
    draft.saved()
    with scoping.realm_transaction(realm_id, "test"):
        assert (
            document_of(realm_id)["tasks"]
            == Definition.objects.get(key=plans.NEW_TRIPLE_PLAY).current.document["tasks"]
        )
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("Choose all tasks").wait_for()


def test_26_tasks_fit_a_screen_of_1280_points_have_a_map_and_get_all_the_room(draft: Drawing) -> None:
    page, look = draft.page, Look(draft.page, "editor-room")
    page.set_viewport_size({"width": 1280, "height": 800})
    canvas, overview = page.locator(".wf-canvas"), page.locator(".react-flow__minimap")
    assert draft.boxes.count() == 26
    expect(overview).to_be_visible()
    for mode in ("light", "dark"):
        page.emulate_media(color_scheme=mode, reduced_motion="reduce")
        look.judge(f"the map, {mode}")

    under = page.evaluate(
        """async () => {
            const found = [];
            for (const box of document.querySelectorAll(".react-flow__node")) {
                box.focus();
                for (let frame = 0; frame < 3; frame += 1) await new Promise((next) => requestAnimationFrame(next));
                const map = document.querySelector(".react-flow__minimap").getBoundingClientRect();
                const at = box.getBoundingClientRect();
                if (at.left < map.right && at.right > map.left && at.top < map.bottom && at.bottom > map.top)
                    found.push(box.dataset.id);
            }
            return found;
        }"""
    )
    assert under == [], "the map steps aside for the box that has the focus"

    page.get_by_role("button", name="Fit all").focus()
    page.keyboard.press("Enter")
    expect(overview).to_be_hidden()
    page.wait_for_timeout(300)
    room = canvas.bounding_box()
    drawn = page.locator(".react-flow__node, .react-flow__edge-path").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])"
    )
    assert room and len(drawn) > 26
    for left, top, right, bottom in drawn:
        assert left >= room["x"] and right <= room["x"] + room["width"]
        assert top >= room["y"] and bottom <= room["y"] + room["height"]

    # Both sides fold away by keyboard, and this browser remembers it.
    tools, wide = page.get_by_role("toolbar"), room["width"]
    for name, part in (("What can be added", ".wf-palette"), ("Details", ".wf-panel")):
        tools.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
        expect(page.locator(part)).to_be_hidden()
    page.reload()
    draft.boxes.first.wait_for()
    expect(page.locator(".wf-palette")).to_be_hidden()
    room = canvas.bounding_box()
    assert room and room["width"] > wide + 500
    draft.box("Verify address").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    expect(page.locator(".wf-palette")).to_be_hidden()
    assert look.errors == []


def test_somebody_who_saves_after_somebody_else_is_told_and_chooses(
    draft: Drawing, colleague: Page, realm_id: int, live_url: str
) -> None:
    sign_in(colleague, live_url, "rosa")
    colleague.set_viewport_size({"width": 1280, "height": 800})
    colleague.goto(draft.page.url)
    colleague.locator(".react-flow__node").first.wait_for()
    for page, title in ((colleague, "Theirs"), (draft.page, "Mine")):
        page.get_by_role("tab", name="Workflow").click()
        page.get_by_label("Title", exact=True).fill(title)
        page.wait_for_timeout(1500)
    draft.page.get_by_text("Somebody else saved this draft meanwhile.").wait_for()
    assert document_of(realm_id)["title"] == "Theirs"
    draft.page.get_by_role("button", name="Keep mine").click()
    draft.saved()
    assert document_of(realm_id)["title"] == "Mine"
    colleague.get_by_label("Title", exact=True).fill("Theirs again")
    colleague.get_by_role("button", name="Show theirs").click()
    colleague.get_by_role("heading", name="Mine").wait_for()


def test_the_pages_are_clean_wide_and_narrow_light_and_dark(draft: Drawing, realm_id: int) -> None:
    page, look = draft.page, Look(draft.page, "workflows")
    look.desktop()
    editor = page.url
    base = re.sub(r"/console/.*", "/console/workflows/", editor)
    with scoping.realm_transaction(realm_id, "test"):
        public_id = Definition.objects.get(key=plans.NEW_TRIPLE_PLAY).public_id
    for name, path in (
        ("list", base),
        ("archived", f"{base}?archived=yes"),
        ("new", f"{base}new/"),
        ("import", f"{base}import/"),
        ("definition", f"{base}{public_id}/"),
        ("diff", f"{base}{public_id}/diff/"),
    ):
        page.goto(path)
        look.at(name)
    look.desktop()
    page.goto(editor)
    draft.boxes.first.wait_for()
    look.at("editor")
    look.desktop()
    for tab in ("Task", "Workflow", "Problems", "What if"):
        draft.choose("Install visit") if tab == "Task" else draft.tab(tab)
        page.wait_for_timeout(500)
        for mode in ("light", "dark"):
            page.emulate_media(color_scheme=mode, reduced_motion="reduce")
            look.judge(f"{tab}, {mode}")
    look.phone()
    page.goto(editor)
    page.get_by_text("Drawing needs a wider screen; here it can be read.").wait_for()
    page.get_by_text("Install visit").first.wait_for()
    assert not draft.boxes.count()
    assert look.errors == []
