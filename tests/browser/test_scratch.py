"""scratch"""
import re, os
import pytest
from tests.browser.test_console import *  # noqa
from tests.browser.test_console import sign_in, place_order
from tests.workflow.driving import drive

@pytest.mark.timeout(900)
def test_shots(console, realm_id, live_url):
    import datetime as dt
    for n, who in enumerate(("Maria Ortiz", "Theodore Lindqvist-Abernathy", "Sam Soto", "Ana Bo")):
        with scoping.realm_transaction(realm_id, "test"):
            orders.submit(actor=Actor.system(realm_id, "Sign-up"), site=list(Site.objects.order_by("id"))[n], plan_version=catalog.get_plan_version("triple-300"),
              options=[OptionChoice("install")], contact=ContactDetails(who, f"m{n}@mail.example", f"+1 555 555 014{n}"), payment=PaymentChoice("card", "tok_ok"), channel="portal")
    drive(realm_id, hurry=False)
    with scoping.realm_transaction(realm_id, "test"):
        from workflow.models import TaskRun, Run
        t = TaskRun.objects.filter(state="waiting", ticket__isnull=False).select_related("ticket").first()
        t.ticket.due_at = dt.datetime(2026,1,1,tzinfo=dt.UTC); t.ticket.save()
        run = Run.objects.order_by("-id").first()
        nxt = Ticket.objects.order_by("id").first()
        x = {}
        extra(locals())
    drive(realm_id, hurry=False)
    import time; time.sleep(0.2); drive(realm_id, hurry=True, most=200)
    from workflow.services import bulk
    bulk.go_on(realm_id, x["bulk"].pk)
    with scoping.realm_transaction(realm_id, "test"):
        import random; rnd = random.Random(3)
        for r in Run.objects.filter(version__definition__key="install", state="completed"):
            f = rnd.uniform(0.6, 2)
            for t in TaskRun.objects.filter(run=r):
                mins = {"verify": .1, "qualify": 2, "visit": 2900, "bind_modem_and_set_top_box": 12, "reserve_number": 600, "start_charges": .2}[t.key]
                TaskRun.objects.filter(pk=t.pk).update(ended_at=t.started_at + dt.timedelta(minutes=mins * f * rnd.uniform(.8, 1.3)))
            Run.objects.filter(pk=r.pk).update(ended_at=r.started_at + dt.timedelta(minutes=3000 * f))
        o = Run.objects.filter(version__definition__key="install", state="running").first()
        print("OPEN", o)
        if o: Run.objects.filter(pk=o.pk).update(started_at=o.started_at - dt.timedelta(days=6))
    look = Look(console, "ov")
    look.desktop()
    base = live_url.rstrip("/")
    for name, path in PAGES(run, locals()):
        console.goto(f"{base}/console/{path}")
        console.wait_for_timeout(900)
        for d in console.locator("#run-timeline summary").all():
            d.click(); console.wait_for_timeout(700)
        try:
            look.at(name)
        except AssertionError as e:
            print("LOOK", name, str(e)[:600])
            look.errors.clear()

def extra(env):
    from workflow.services import definitions, runs
    from tests.workflow.workshop import shop, Fail, chain
    sysm = Actor.system(env["realm_id"], "Demo")
    definitions.publish(actor=sysm, document={"key": "part", "title": "One building", "tasks": chain("survey", "wire", "test")})
    definitions.publish(actor=sysm, document={"key": "whole", "title": "New property", "inputs": [{"key": "houses", "type": "list"}], "tasks": [{"key": "all", "title": "All buildings", "kind": "each", "definition": "part", "over": {"var": "inputs.houses"}}, *chain("launch")[0:0]]})
    shop.plans["wire"] = [Fail("the riser is locked and nobody has the key")]
    from ticketing.services import pools as P, tickets as T
    from ticketing.models import TalentPool
    from boss.tenancy.models import User
    from boss.tenancy import selectors as ten
    ali = User.objects.get(email__startswith="alice@")
    for pool in TalentPool.objects.all(): P.add_member(actor=sysm, pool=pool, user=ali)
    aa = ten.actor_for_user(ali)
    ts = list(Ticket.objects.filter(subject_kind="workflow.task").order_by("id"))
    T.claim(actor=aa, ticket=ts[0]); env["x"]["t0"] = ts[0]; env["x"]["t1"] = ts[1]
    from workflow.services import bulk
    import random
    rnd = random.Random(4)
    doc = [*chain("verify", "qualify"), {"key": "visit", "title": "Install visit", "kind": "wait", "after": ["qualify"], "until": 0.001}, *[dict(t, after=["visit"]) for t in chain("bind_modem_and_set_top_box")], *[dict(t, after=["qualify"]) for t in chain("reserve_number")], dict(chain("start_charges")[0], after=["bind_modem_and_set_top_box", "reserve_number"])]
    definitions.publish(actor=sysm, document={"key": "install", "title": "Installation", "tasks": doc})
    shop.plans["qualify"] = [Fail("no free port on node-04"), *[None]*0]
    env["x"]["hist"] = [runs.start(actor=sysm, definition_key="install") for _ in range(9)]
    env["x"]["bulk"] = bulk.begin(actor=sysm, kind="retry", public_ids=[r.public_id for r in env["x"]["hist"][:4]])
    env["x"]["whole"] = runs.start(actor=sysm, definition_key="whole", inputs={"houses": [1,2,3]})
def PAGES(run, env):
    whole = env["x"]["whole"]
    x = env["x"]
    return [("mytasks", "tasks/"), ("mytask", f"tasks/{x['t0'].public_id}/"), ("insight", "insight/"), ("insight-of", "insight/install/"), ("bulkp", "bulks/" + x["bulk"].public_id + "/"), ("board-all", "runs/?state=all&definition=install")]
