"""`python -m boss.platform.asvs`: the table in docs/security.md of what is checked of OWASP ASVS 5.0, from the tests.

A test that checks an item carries ``@pytest.mark.asvs("8.4.1")``. The table is read from the source, so it can be
counted and cannot claim what no test checks; ``--check`` (and a test) says whether the page is stale.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from boss.platform.addresses import ROOT

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- asvs:begin, written by `make docs` -->", "<!-- asvs:end -->"

ITEMS = {
    "1.2.1": "Output is encoded for the place it stands in",
    "1.2.4": "Statements of SQL take values as parameters",
    "1.2.5": "No command line is put together from input",
    "1.3.2": "No input is run as code",
    "1.3.6": "Addresses asked by the server are checked (SSRF)",
    "1.3.7": "No template is made from input",
    "1.5.2": "What is read cannot become arbitrary objects",
    "2.3.1": "Business steps happen in their order",
    "2.3.3": "A business operation succeeds whole or not at all",
    "2.3.4": "Two people cannot take the same thing",
    "2.3.5": "A second person approves what is dangerous",
    "2.4.1": "Excessive calling is limited",
    "3.2.1": "Answers are shown only in the context they are meant for",
    "3.3.1": "Cookies are Secure, with a host-bound name",
    "3.3.2": "Cookies carry SameSite",
    "3.3.4": "Session cookies are out of scripts' reach",
    "3.4.1": "Strict-Transport-Security",
    "3.4.3": "Content-Security-Policy without exceptions",
    "3.4.4": "X-Content-Type-Options: nosniff",
    "3.4.5": "Referrer-Policy",
    "3.4.6": "Framing is refused",
    "3.5.1": "Forged requests from other sites are refused",
    "4.1.1": "Answers name their content type",
    "5.2.1": "Files have a largest size",
    "5.2.2": "A file is what its name says",
    "6.2.1": "Passwords have a least length",
    "6.2.4": "Common passwords are refused",
    "6.3.1": "Guessing and stuffing of passwords are stopped",
    "6.3.3": "A second factor is asked for",
    "6.4.3": "Resetting a password does not go round the second factor",
    "6.5.1": "A code is good once",
    "6.6.3": "Guessing of codes is limited",
    "7.2.4": "A new sign-in has a new session",
    "7.3.1": "Idle sessions end",
    "7.3.2": "Sessions have an absolute end",
    "7.4.2": "Sessions of a disabled person end",
    "7.5.1": "Sensitive changes ask for signing in again",
    "7.5.2": "People see and end their sessions",
    "7.5.3": "Touchy actions want a fresh proof of who it is",
    "8.2.1": "Functions are open to those who hold the permission",
    "8.2.2": "Things are open to those they concern",
    "8.2.3": "Fields are open to those they concern",
    "8.3.1": "Rights are asked for on the server",
    "8.4.1": "Nothing crosses from one tenant to another",
    "11.2.2": "Keys and ciphers can be exchanged",
    "11.3.2": "Approved ciphers and modes",
    "11.3.3": "What is encrypted cannot be altered or moved unseen",
    "11.4.2": "Passwords are kept by a slow, approved function",
    "11.5.1": "Secrets are random enough",
    "12.3.2": "Certificates of others are checked",
    "13.2.4": "The servers that may be asked are listed",
    "13.3.1": "No secret lies in the source",
    "13.3.2": "Secrets are opened only where they are used",
    "13.4.2": "No debugging in production",
    "13.4.4": "TRACE is refused",
    "14.3.1": "Signing out clears what the browser kept",
    "14.3.2": "Pages with people's data are not stored",
    "15.2.2": "What takes long cannot take the service down",
    "15.2.5": "Dangerous work is confined",
    "15.3.1": "Answers hold the fields that are needed",
    "15.3.2": "Redirects of others are not followed",
    "15.3.3": "Only the fields that are meant are changed",
    "15.3.4": "The client's address is taken from a trusted place",
    "16.2.5": "No secret is logged",
    "16.3.1": "Signing in is recorded",
    "16.3.2": "Refusals are recorded",
    "16.4.1": "Nothing can be written into the log as lines of its own",
    "16.5.1": "Errors tell strangers nothing of the inside",
    "16.5.3": "What fails, fails closed",
}  # fmt: skip
"""What the items that are checked are about, in our words; the numbers are the standard's."""


def marked() -> Iterator[tuple[str, str]]:
    """Every item with a test that says it checks it."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for item in _items_of(node):
                    yield item, f"{path.relative_to(ROOT).as_posix()}::{node.name}"


def _items_of(test: ast.FunctionDef) -> list[str]:
    calls = [each for each in test.decorator_list if isinstance(each, ast.Call)]
    return [
        str(argument.value)
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.asvs"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]


def table() -> str:
    """The section of the page. Raises KeyError for an item without words."""
    checks: dict[str, list[str]] = {}
    for item, test in marked():
        checks.setdefault(item, []).append(test)
    rows = [f"{len(checks)} items are checked by {sum(map(len, checks.values()))} marks on tests.", ""]
    rows += ["| Item | What it asks | Checked by |", "|---|---|---|"]
    for item in sorted(checks, key=lambda number: [int(part) for part in number.split(".")]):
        tests = "<br>".join(f"`{test}`" for test in sorted(set(checks[item])))
        rows.append(f"| {item} | {ITEMS[item]} | {tests} |")
    return "\n".join(rows)


def page_with(section: str, text: str) -> str:
    """The page's text with the section in its place."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def is_stale(page: Path = PAGE) -> bool:
    text = page.read_text()
    return page_with(table(), text) != text


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        return 1 if is_stale() else 0
    PAGE.write_text(page_with(table(), PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
