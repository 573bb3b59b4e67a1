"""The acceptance scenarios of ticketing, each in a real browser against a running server.

Numbers as in the list of scenarios; what each asks for below the browser (every case of a table, every rule) has
tests of its own beside the code it is about.

==  ===========================================================================================================
 4  tests/browser/test_categories.py: the category "Wi-Fi complaint" in under five minutes, dry run, the portal
 5  test_changed_questions.py: a second version of a category's questions, an old ticket, the filter
 6  test_mail.py: there and back again through Postfix, the clock of the first answer
 7  test_mail.py: guessed number, forged reference, stolen token, failed authentication; accepted, split
 8  test_mail.py: out of office, bounce, fifty looping mails and the breaker
 9  test_mail.py: hostile mail
10  tests/browser/test_composer.py: two agents, a killed browser, a change that crossed another
11  test_weekend.py: a promise over a weekend on which the clocks change
12  test_assigning.py: thirty tickets, three members; the next ticket from two browsers
13  the outage's own tests
14  test_fallback.py: failed tries, done by hand; said to be impossible, reversed
15  test_property_owner.py: what a resident shares and takes back
19  test_reports.py: exact numbers, a bar that opens its tickets, the file, the mail
==  ===========================================================================================================
"""
