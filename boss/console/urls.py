"""Addresses of the console, all below /console/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from boss.console.views import (
    accounts,
    board,
    bulk,
    home,
    inbox,
    insight,
    orders,
    practice,
    runs,
    search,
    services,
    tasks,
    tickets,
)

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/next/", inbox.next_task, name="inbox_next"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/<slug:public_id>/", accounts.account, name="account"),
    path("accounts/<slug:public_id>/timeline/", accounts.timeline, name="account_timeline"),
    path("orders/", orders.order_list, name="orders"),
    path("orders/<slug:public_id>/", orders.order, name="order"),
    path("runs/", board.run_list, name="runs"),
    path("runs/counts/", board.run_counts, name="run_counts"),
    path("runs/<slug:public_id>/", runs.run, name="run"),
    path("runs/<slug:public_id>/live/", runs.live, name="run_live"),
    path("runs/<slug:public_id>/timeline/", runs.timeline, name="run_timeline"),
    path("runs/<slug:public_id>/reverse/", runs.reverse, name="run_reverse"),
    path("runs/<slug:public_id>/tasks/<slug:key>/send-back/", runs.send_back, name="run_send_back"),
    path("runs/<slug:public_id>/tasks/<slug:key>/retry/", runs.retry, name="task_retry"),
    path("runs/<slug:public_id>/tasks/<slug:key>/complete/", runs.complete, name="task_complete"),
    path("runs/<slug:public_id>/tasks/<slug:key>/skip/", runs.skip, name="task_skip"),
    path("insight/", insight.overview, name="insight"),
    path("insight/<slug:key>/", insight.of_definition, name="insight_of"),
    path("bulks/", bulk.run_bulk, name="run_bulk"),
    path("bulks/<slug:public_id>/", bulk.run_bulk_progress, name="run_bulk_progress"),
    path("tasks/", tasks.my_tasks, name="my_tasks"),
    path("tasks/next/", tasks.my_tasks_next, name="my_tasks_next"),
    path("tasks/<slug:public_id>/", tasks.my_task, name="my_task"),
    path("tasks/<slug:public_id>/take/", tasks.my_task_take, name="my_task_take"),
    path("tasks/<slug:public_id>/finish/", tasks.my_task_finish, name="my_task_finish"),
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
