import re
from boss.core import scoping
from tests.browser.portal_look import Look
from tests.browser.test_console import realm_id, sign_in
from tests.browser.test_workflow_editor import operator
from workflow.models import Definition
from workflow.services import definitions
from boss.core.actors import Actor
def test_z(operator, realm_id, live_url):
    page, look = operator, Look(operator, "wf")
    look.desktop()
    base = f"{live_url.rstrip('/')}/console/workflows/"
    with scoping.realm_transaction(realm_id, "test"):
        d = Definition.objects.get(key="new-triple-play"); public_id = d.public_id
        doc = dict(d.current.document); doc["tasks"]=[{**t, **({"title":"Verify the address","target_seconds":9} if t["key"]=="verify_address" else {})} for t in doc["tasks"]]
        definitions.publish(actor=Actor.system(realm_id), document=doc, note="Faster")
    for name, path in (("list", base),("new", f"{base}new/"),("import", f"{base}import/"),("definition", f"{base}{public_id}/"),("diff", f"{base}{public_id}/diff/")):
        page.goto(path)
        try: look.at(name)
        except AssertionError as e: print("AXE", name, str(e)[:600])
