"""Rule O3: the provider writes the texts of ticket mails himself, in a language in which nothing can go wrong."""

from __future__ import annotations

import pytest
from django.core import mail as outbox

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery
from boss.notify.services import deliveries
from tests.cast import actor_of
from tests.mail.conftest import FIRST, pass_on
from ticketing import mail_texts, selectors
from ticketing.errors import MailTextChanged
from ticketing.mail import language
from ticketing.mail.language import Names
from ticketing.models import MailText, OutboundMail
from ticketing.services import tickets
from ticketing.services.mail import wording
from ticketing.services.mail.wording import Place

NAMES = Names(frozenset({"name", "answer"}), {"history": frozenset({"author", "text"})})
ANSWER = Place("answer", "en")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello {{ name }}!", "Hello <b>Dana</b>!"),
        ("{% if answer %}{{ answer }}{% else %}none{% endif %}", "none"),
        ("{% if not answer and name == '<b>Dana</b>' %}yes{% elif answer %}no{% endif %}", "yes"),
        ("{% for one in history %}[{{ one.author }}: {{ one.text }}]{% endfor %}", "[Bob: a][Dana: b]"),
        ("{% for one in history %}x{% empty %}y{% endfor %}{# a note #}", "xx"),
        ("Costs 5 {euro} % of it", "Costs 5 {euro} % of it"),
    ],
)
def test_O3_names_conditions_and_lists_are_filled_in(text, shown):
    assert language.faults(text, NAMES) == []
    history = [{"author": "Bob", "text": "a"}, {"author": "Dana", "text": "b"}]
    assert language.render(text, {"name": "<b>Dana</b>", "answer": "", "history": history}) == shown


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("\n\n{{ password }}", 3, "There is no “password”"),
        ("{{ name.upper }}", 1, "There is no"),
        ("{{ name.__class__ }}", 1, "There is no"),
        ("{{ name|safe }}", 1, "There is no"),
        ("{{ 1 }}", 1, "There is no"),
        ("\n{% include 'emails/base.txt' %}", 2, "only if and for"),
        ("{% load i18n %}", 1, "only if and for"),
        ("{% debug %}", 1, "only if and for"),
        ("{% verbatim %}{{ secret }}{% endverbatim %}", 1, "only if and for"),
        ("{% if name %}\nyes", 1, "never ended"),
        ("yes\n{% endif %}", 2, "wrong place"),
        ("{% for one in history %}{% endif %}{% endfor %}", 1, "wrong place"),
        ("{% if %}x{% endif %}", 1, "needs something"),
        ("a\n{% if name name %}x{% endif %}", 2, "cannot be read"),
        ("{% if name|length %}x{% endif %}", 1, "There is no"),
        ("{% for one in name %}{% endfor %}", 1, "no list"),
        ("{% for a, b in history %}{% endfor %}", 1, "for one in"),
        ("{% for name in history %}{% endfor %}", 1, "for one in"),
        ("{% for one in history %}{{ one.ticket }}{% endfor %}", 1, "Known: one.author"),
        ("{% for one in history %}{{ one }}{% endfor %}", 1, "Known: one.author"),
        ("{% for one in history %}{% for two in history %}{% endfor %}{% endfor %}", 1, "within another"),
        ("{{ history }}", 1, "is a list"),
        ("{{ one.author }}", 1, "There is no"),
        ("a\nb {{ name", 2, "not closed"),
        ("{% if name %}" * 6 + "{% endif %}" * 6, 1, "At most 5"),
        ("x" * 10_001, 1, "At most 10000"),
        ("{{ name }}" * 301, 1, "At most 300"),
    ],
)
def test_O3_whatever_else_is_refused_with_its_line(text, line, says):
    found = language.faults(text, NAMES)
    assert found and found[0].line == line and says in found[0].words, found


def test_O3_the_engine_itself_knows_no_other_tag_and_no_filter():
    from django.template import TemplateSyntaxError

    for text in ("{% include 'emails/base.txt' %}", "{% load i18n %}", "{{ name|safe }}", "{% now 'Y' %}"):
        with pytest.raises(TemplateSyntaxError):
            language.render(text, {"name": "x"})


def answered(thread, bob, system, words="We are on it.") -> OutboundMail:
    message = tickets.add_message(actor=bob, ticket=thread.ticket, body=words)
    return next(
        each for each in pass_on(message)
        if each.address == "dana@home.example"
    )  # fmt: skip


def test_O3_the_providers_own_words_are_mailed_and_their_values_escaped(post, thread, alice, bob, system):
    wording.keep(actor=alice, place=ANSWER, body="Dear {{ customer_name }},\n\n{{ answer }}\n\n{{ my_name }} <3")
    sent = answered(thread, bob, system, "Use <script> & wait.")
    message = sent.delivery.message
    assert "Dear Dana,\n\nUse <script> & wait.\n\nBob Baker <3" in message.text
    assert "Use &lt;script&gt; &amp; wait." in message.html and "<script>" not in message.html
    assert message.subject == thread.sent.delivery.message.subject  # O2: the subject is not the provider's to change
    assert message.template == "ticket_written"


def test_O3_without_own_words_the_house_text_is_sent_as_before(post, thread, bob, system):
    message = answered(thread, bob, system).delivery.message
    assert message.template == "ticket_answer" and "Bob Baker has answered your request" in message.text


def test_O3_each_language_and_category_has_its_own_words_and_the_nearest_wins(post, thread, alice, bob, system, dana):
    care = selectors.find_category("care")
    wording.keep(actor=alice, place=ANSWER, body="All: {{ answer }}")
    wording.keep(actor=alice, place=Place("answer", "en", care), body="Care: {{ answer }}")
    wording.keep(actor=alice, place=Place("answer", "en", selectors.find_category("alarm")), body="No: {{ answer }}")
    assert "Care: One." in answered(thread, bob, system, "One.").delivery.message.text
    wording.keep(actor=alice, place=Place("answer", "en", care), body="")
    assert "All: Two." in answered(thread, bob, system, "Two.").delivery.message.text
    dana.language = "de"
    dana.save()
    assert answered(thread, bob, system, "Drei.").delivery.message.template == "ticket_answer"


def test_O3_confirmations_are_in_the_providers_words_too_and_still_say_that_they_are_automatic(post, alice):
    wording.keep(actor=alice, place=Place("received", "en"), body="Noted as {{ ticket_number }}: {{ ticket_link }}")
    post.take(FIRST.replace(b"dana@home", b"paula@home"), "paula@home.example")
    sent = OutboundMail.objects.get(address="paula@home.example")
    assert f"Noted as {sent.ticket.number}: http" in sent.delivery.message.text
    assert sent.delivery.message.headers["Auto-Submitted"] == "auto-replied"


def test_O3_a_text_that_cannot_be_filled_in_after_all_stops_no_mail(post, thread, alice, bob, system, monkeypatch):
    wording.keep(actor=alice, place=ANSWER, body="X {{ answer }}")
    monkeypatch.setattr(language, "render", lambda *_: 1 / 0)
    assert answered(thread, bob, system).delivery.message.template == "ticket_answer"


def test_O3_every_change_is_a_version_and_an_earlier_one_holds_again_when_wanted(post, alice):
    first = wording.keep(actor=alice, place=ANSWER, body="One {{ answer }}", note="begun")
    assert wording.keep(actor=alice, place=ANSWER, body="One {{ answer }}\n") == first  # nothing new
    second = wording.keep(actor=alice, place=ANSWER, body="Two {{ answer }}", version=1)
    with pytest.raises(MailTextChanged):
        wording.keep(actor=alice, place=ANSWER, body="Three {{ answer }}", version=1)
    again = wording.revert(actor=alice, to=first)
    assert [first.number, second.number, again.number] == [1, 2, 3] and again.body == first.body
    care = selectors.find_category("care")
    assert mail_texts.find_body("answer", "en", care) == "One {{ answer }}"
    assert [each.number for each in mail_texts.list_mail_texts(alice)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("place", "body", "field", "says"),
    [
        (ANSWER, "Hello\n{{ customer }}", "body", "Line 2: There is no “customer”"),
        (ANSWER, "Hello", "body", "The answer itself is missing"),
        (ANSWER, "{% if by_mail %}{{ answer }}{% endif %}", "body", "The answer itself is missing"),
        (Place("received", "en"), "{{ answer }}", "body", "There is no “answer”"),
        (Place("answer", "xx"), "{{ answer }}", "language", "not one of"),
        (Place("gossip", "en"), "x", "kind", "no such mail"),
    ],
)
def test_O3_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(post, alice, place, body, field, says):
    with pytest.raises(InvalidInput) as refused:
        wording.keep(actor=alice, place=place, body=body)
    assert says in str(refused.value.fields[field][0])
    assert not MailText.objects.exists()


def test_O3_a_preview_shows_the_mail_and_keeps_and_sends_nothing(post, thread, alice):
    before = Delivery.objects.count()
    body = "{% for one in history %}{{ one.author }}|{% endfor %}{{ answer }}"
    shown = wording.preview(actor=alice, place=ANSWER, body=body)
    assert "NF #10482" in shown.subject and "We have replaced the modem" in shown.text
    told = wording.preview(actor=alice, place=ANSWER, body="{{ ticket_number }} {{ answer }}", ticket=thread.ticket)
    assert thread.ticket.number in told.text
    assert "has answered" in wording.preview(actor=alice, place=ANSWER, body="").text
    assert not MailText.objects.exists() and Delivery.objects.count() == before


def test_O3_a_test_goes_to_whoever_asks_for_it_alone(post, alice, cast):
    address = wording.send_test(actor=alice, place=ANSWER, body="Try {{ answer }}")
    delivery = Delivery.objects.latest("id")
    assert address == delivery.address == cast.alice.email
    outbox.outbox.clear()
    deliveries.deliver(delivery.realm_id, delivery.pk)
    (left,) = outbox.outbox
    assert left.to == ["Alice Able <alice@alpha.example>"] or cast.alice.email in left.to[0]
    assert left.subject.startswith("Test: Re:") and "Try We have replaced" in left.body
    assert not MailText.objects.exists() and not OutboundMail.objects.filter(address=address).exists()


def test_O3_only_who_sets_up_mailboxes_writes_texts_and_another_provider_sees_none(
    post, alice, bob, in_beta, charlie, dana
):
    for who in (bob, actor_of(dana)):
        for deed in (wording.keep, wording.preview, wording.send_test):
            with pytest.raises(PermissionDenied):
                deed(actor=who, place=ANSWER, body="{{ answer }}")
    assert not MailText.objects.exists()
    wording.keep(actor=alice, place=ANSWER, body="{{ answer }}")
    with in_beta():
        assert not mail_texts.list_mail_texts(charlie).exists()
