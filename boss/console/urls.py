"""Addresses of the console, all below /console/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from boss.console.views import accounts, home, inbox, orders, practice, runs, search, services, tickets, workflows

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/next/", inbox.next_task, name="inbox_next"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/<slug:public_id>/", accounts.account, name="account"),
    path("accounts/<slug:public_id>/timeline/", accounts.timeline, name="account_timeline"),
    path("accounts/<slug:public_id>/graph/", accounts.graph, name="account_graph"),
    path("orders/", orders.order_list, name="orders"),
    path("orders/<slug:public_id>/", orders.order, name="order"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/<slug:public_id>/", runs.run, name="run"),
    path("runs/<slug:public_id>/live/", runs.live, name="run_live"),
    path("runs/<slug:public_id>/reverse/", runs.reverse, name="run_reverse"),
    path("runs/<slug:public_id>/tasks/<slug:key>/retry/", runs.retry, name="task_retry"),
    path("runs/<slug:public_id>/tasks/<slug:key>/complete/", runs.complete, name="task_complete"),
    path("runs/<slug:public_id>/tasks/<slug:key>/skip/", runs.skip, name="task_skip"),
    path("workflows/", workflows.workflow_list, name="workflows"),
    path("workflows/new/", workflows.new, name="workflow_new"),
    path("workflows/import/", workflows.import_yaml, name="workflow_import"),
    path("workflows/words/", workflows.words, name="workflow_words"),
    path("workflows/drafts/<slug:public_id>/", workflows.draft, name="workflow_draft"),
    path("workflows/<slug:public_id>/", workflows.workflow, name="workflow"),
    path("workflows/<slug:public_id>/diff/", workflows.difference, name="workflow_diff"),
    path("workflows/<slug:public_id>/edit/", workflows.edit, name="workflow_edit"),
    path("workflows/<slug:public_id>/start/", workflows.start, name="workflow_start"),
    path("workflows/<slug:public_id>/roll-back/", workflows.roll_back, name="workflow_roll_back"),
    path("workflows/<slug:public_id>/archive/", workflows.archive, name="workflow_archive"),
    path("workflows/<slug:public_id>/restore/", workflows.restore, name="workflow_restore"),
    path("services/", services.service_list, name="services"),
    path("services/<slug:public_id>/", services.service, name="service"),
    path("network/", practice.practice, name="practice"),
    path("network/<slug:public_id>/faults/", practice.set_faults, name="set_faults"),
    path("tickets/", tickets.ticket_list, name="tickets"),
    path("tickets/<slug:public_id>/", tickets.ticket, name="ticket"),
    path("tickets/<slug:public_id>/claim/", tickets.claim, name="ticket_claim"),
    path("tickets/<slug:public_id>/release/", tickets.release, name="ticket_release"),
    path("tickets/<slug:public_id>/assign/", tickets.assign, name="ticket_assign"),
    path("tickets/<slug:public_id>/say/", tickets.say, name="ticket_say"),
    path("tickets/<slug:public_id>/fill/", tickets.fill, name="ticket_fill"),
    path("tickets/<slug:public_id>/wait/", tickets.wait, name="ticket_wait"),
    path("tickets/<slug:public_id>/resolve/", tickets.resolve, name="ticket_resolve"),
    path("tickets/<slug:public_id>/reopen/", tickets.reopen, name="ticket_reopen"),
]
