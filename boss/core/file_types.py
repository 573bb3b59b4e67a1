"""What a file that somebody brings is called, and what it really is: told by its bytes, never by what it claims."""

from __future__ import annotations

import re
import unicodedata

import puremagic

UNKNOWN = "application/octet-stream"
_HEAD = 8192
"""How much of a file is looked at. Nothing is ever unpacked, so an archive that grows without end stays small here."""
LONGEST_NAME = 120

_PICTURES = (
    ("image/png", ".png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", ".jpg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", ".gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", ".webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
SHOWN = frozenset(media_type for media_type, _ending, _signature in _PICTURES)
"""Pictures made of dots: all that a browser is given to show. Never SVG, which is a document with scripts."""

EXECUTABLE = frozenset(
    {"apk", "app", "appimage", "bat", "cmd", "com", "cpl", "dll", "exe", "hta", "img", "iso", "jar", "js", "jse"}
    | {"lnk", "msi", "msp", "pif", "ps1", "reg", "scr", "vbe", "vbs", "vhd", "wsf", "wsh"}
)
"""Endings of files that run when they are opened."""
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"#!", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
)  # fmt: skip
"""How programs of Windows, Linux and macOS begin, and scripts that name their interpreter."""
_JAVA = re.compile(rb"\xca\xfe\xba\xbe")
_OFFICE = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"})
_DIRECTIONS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean_name(name: str, *, fallback: str = "file") -> str:
    """A file name that is only a name: no folder, no control characters, no marks that turn the direction of writing.

    At most :data:`LONGEST_NAME` characters, its ending kept.
    """
    name = name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    name = unicodedata.normalize("NFC", _DIRECTIONS.sub("", name))
    name = "".join(" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in name)
    name = " ".join(re.split(r"[\\/]", name)[-1].split()).strip(". ")
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) <= 10 else name
    return name[:LONGEST_NAME].strip(". ") or fallback


def ending_of(name: str) -> str:
    """What stands after the last point, in small letters; "" where nothing does."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def is_executable(name: str, content: bytes) -> bool:
    """It runs when somebody opens it: by its ending, or by how it begins whatever it is called."""
    return ending_of(name) in EXECUTABLE or content.startswith(_PROGRAMS) or _JAVA.match(content) is not None


def sniff(name: str, content: bytes) -> str:
    """The media type, told by the first bytes. A picture is one only when it begins as one.

    The name decides between what begins alike: offices write archives.
    """
    for media_type, _ending, signature in _PICTURES:
        if signature.match(content):
            return media_type
    head = content[:_HEAD]
    found = _by_signature(head, ending_of(name))
    if found in SHOWN:  # a signature further on: something else that has a picture in it
        return UNKNOWN
    return found or ("text/plain" if _is_text(head) else UNKNOWN)


def _by_signature(head: bytes, ending: str) -> str:
    if not head:
        return ""
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ""
    if head.startswith(b"PK\x03\x04"):
        named = [each for each in matches if each.extension == f".{ending}"] if ending in _OFFICE else []
        return str(named[0].mime_type) if named else "application/zip"
    return str(matches[0].mime_type or "") if matches else ""


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head:
        return False
    try:
        head[:-3].decode()  # the last letter may be cut
    except UnicodeDecodeError:
        return False
    return True
