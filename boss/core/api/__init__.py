"""What every room's ``api`` drawer is made of. The rooms import from here; ``boss.api`` assembles what they offer.

A room's ``api/views.py`` in short::

    class TicketViewSet(ReadOnlyViewSet):
        model = Ticket
        serializer_class = TicketSerializer
        permission = "ticketing.view_ticket"                       # of every action without one of its own
        permissions = {"create": "ticketing.add_ticket"}           # of the standard actions
        inputs = {"create": OpenTicket}                            # what the standard actions read
        filterset_class = TicketFilter
        ordering_fields = ["due_at", "id"]

        def rows(self):                                            # prefetches; narrowed by visible_to afterwards
            return selectors.list_tickets(self.actor)

        def create(self, request):
            ticket = tickets.open(actor=self.actor, **self.given())
            return self.answer(ticket, status=201)

        @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=Resolve)
        def resolve(self, request, public_id):
            return self.answer(tickets.resolve(actor=self.actor, ticket=self.get_object(), **self.given()))

and its ``api/urls.py``: ``routes = [Route("tickets", TicketViewSet)]``, mounted at ``/api/v1/ticketing/tickets/``.

Every POST bears ``Idempotency-Key`` without further ado. Objects another realm or another person owns are 404.
Filter sets inherit ``boss.core.api.filters.FilterSet`` and filter on related things by public id
(``CharFilter("account__public_id")``).
"""
