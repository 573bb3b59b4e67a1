"""The language of texts that providers write themselves (rule O3): names, ``if`` and ``for``, and nothing else.

It is Django's template language with all but that taken away, twice: what is not on the list below is refused with its
line when it is kept, and the engine that renders knows no other tags, no filters and no files. Names are those the
caller lists; a list's entries have the parts it names. What comes out is plain text, and is escaped where it becomes
HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.template import Context, Engine, Library, Template, TemplateSyntaxError, defaulttags
from django.template.base import Lexer, Origin, Parser, Token, TokenType
from django.utils.translation import gettext as _

LONGEST = 10_000
MOST_TAGS = 300
DEEPEST = 5

_NAME = re.compile(r"[a-z][a-z_]*\Z")
_LITERAL = re.compile(r"\"[^\"]*\"\Z|'[^']*'\Z")
_OPERATORS = frozenset({"and", "or", "not", "==", "!="})
_LEFT_OPEN = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")


@dataclass(frozen=True, slots=True)
class Names:
    """What a text may speak of: plain names, and lists with the names of their entries' parts."""

    plain: frozenset[str]
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    words: str

    def __str__(self) -> str:
        return _("Line %(line)s: %(words)s") % {"line": self.line, "words": self.words}


@dataclass(slots=True)
class _Open:
    tag: str
    line: int
    variable: str = ""
    parts: frozenset[str] = frozenset()


def faults(text: str, names: Names) -> list[Fault]:
    """Everything in ``text`` that is not of the language, in order. Never raises."""
    if len(text) > LONGEST:
        return [Fault(1, _("At most %(n)s characters.") % {"n": LONGEST})]
    tokens = Lexer(text).tokenize()
    if sum(token.token_type in (TokenType.VAR, TokenType.BLOCK) for token in tokens) > MOST_TAGS:
        return [Fault(1, _("At most %(n)s names and conditions.") % {"n": MOST_TAGS})]
    reader = _Reader(names)
    for token in tokens:
        reader.read(token)
    reader.end()
    if not reader.found:
        reader.found += _compiled(tokens)
    return reader.found


def uses(text: str, name: str, *, always: bool = False) -> bool:
    """Whether a text that has no faults puts ``name`` in; with ``always`` outside of any condition."""
    depth = 0
    for token in Lexer(text).tokenize():
        if token.token_type == TokenType.BLOCK:
            word = token.contents.split(maxsplit=1)[0]
            if not always and re.search(rf"\b{name}\b", token.contents):
                return True
            depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(word, 0)
        elif token.token_type == TokenType.VAR and token.contents == name and (depth == 0 or not always):
            return True
    return False


def render(text: str, values: Mapping[str, Any]) -> str:
    """``text``, which has no faults, with ``values``; a name without a value is empty. Plain text, not escaped."""
    return Template(text, engine=_ENGINE).render(Context(dict(values), autoescape=False, use_l10n=False))


def _engine() -> Engine:
    known = Library()
    known.tag("if", defaulttags.do_if)
    known.tag("for", defaulttags.do_for)
    engine = Engine(loaders=[], libraries={}, autoescape=False)
    engine.template_builtins, engine.template_libraries = [known], {}
    return engine


_ENGINE = _engine()


class _Reader:
    """Goes through the tokens once, with what is open around each."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.open: list[_Open] = []
        self.found: list[Fault] = []

    def read(self, token: Token) -> None:
        line = token.lineno or 1
        if token.token_type == TokenType.TEXT:
            left = _LEFT_OPEN.search(token.contents)
            if left:
                at = line + token.contents.count("\n", 0, left.start())
                self._fault(at, _("“%(what)s” is not closed, or closes nothing.") % {"what": left[0]})
        elif token.token_type == TokenType.VAR:
            self._name(token.contents, line)
        elif token.token_type == TokenType.BLOCK:
            self._block(token, line)

    def end(self) -> None:
        for each in self.open:
            self._fault(each.line, _("“%(tag)s” is never ended.") % {"tag": each.tag})

    def _block(self, token: Token, line: int) -> None:
        words = token.split_contents()
        tag, rest = words[0], words[1:]
        if tag in ("if", "elif"):
            self._condition(tag, rest, line)
        elif tag == "for":
            self._loop(rest, line)
        elif tag in ("else", "endif", "empty", "endfor") and not rest:
            around = self.open[-1].tag if self.open else ""
            if around != {"else": "if", "endif": "if", "empty": "for", "endfor": "for"}[tag]:
                self._fault(line, _("“%(tag)s” stands in the wrong place.") % {"tag": tag})
            elif tag in ("endif", "endfor"):
                self.open.pop()
        else:
            self._fault(line, _("There is no “%(tag)s” here, only if and for.") % {"tag": tag})

    def _condition(self, tag: str, words: list[str], line: int) -> None:
        for word in words:
            if word not in _OPERATORS and not _LITERAL.match(word):
                self._name(word, line, is_asked=True)
        if not words:
            self._fault(line, _("“%(tag)s” needs something to ask for.") % {"tag": tag})
        if tag == "if":
            self._push(_Open("if", line))
        elif not self.open or self.open[-1].tag != "if":
            self._fault(line, _("“%(tag)s” stands in the wrong place.") % {"tag": tag})

    def _loop(self, words: list[str], line: int) -> None:
        opened = _Open("for", line)
        if len(words) != 3 or words[1] != "in" or not _NAME.match(words[0]) or words[0] in self.names.plain:
            self._fault(line, _("Write it as “for one in a list”."))
        elif words[2] not in self.names.lists:
            known = ", ".join(sorted(self.names.lists)) or _("none")
            self._fault(line, _("There is no list “%(name)s”. Lists: %(known)s.") % {"name": words[2], "known": known})
        elif any(each.tag == "for" for each in self.open):
            self._fault(line, _("A “for” within another is not possible."))
        else:
            opened = _Open("for", line, words[0], self.names.lists[words[2]])
        self._push(opened)

    def _push(self, opened: _Open) -> None:
        self.open.append(opened)
        if len(self.open) > DEEPEST:
            self._fault(opened.line, _("At most %(n)s within one another.") % {"n": DEEPEST})

    def _name(self, written: str, line: int, *, is_asked: bool = False) -> None:
        head, dot, part = written.partition(".")
        around = next((each for each in self.open if each.variable == head), None)
        if around is not None:
            if not dot or part not in around.parts:
                known = ", ".join(f"{head}.{each}" for each in sorted(around.parts))
                self._fault(line, _("There is no “%(name)s”. Known: %(known)s.") % {"name": written, "known": known})
        elif written in self.names.lists and not is_asked:
            self._fault(line, _("“%(name)s” is a list: go through it with “for”.") % {"name": written})
        elif written not in self.names.plain and written not in self.names.lists:
            known = ", ".join(sorted(self.names.plain))
            self._fault(line, _("There is no “%(name)s”. Known: %(known)s.") % {"name": written, "known": known})

    def _fault(self, line: int, words: str) -> None:
        self.found.append(Fault(line, words))


def _compiled(tokens: list[Token]) -> list[Fault]:
    """What only the engine itself sees: a condition that makes no sense."""
    try:
        Parser(tokens, {}, _ENGINE.template_builtins, Origin("text")).parse()
    except TemplateSyntaxError as error:
        token: Token | None = getattr(error, "token", None)
        return [Fault((token.lineno if token else 1) or 1, _("This condition cannot be read."))]
    return []
