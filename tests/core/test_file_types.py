"""What strangers call their files, and what those really are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.core.file_types import LONGEST_NAME, SHOWN, clean_name, is_executable, sniff

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


@given(st.text(max_size=400))
def test_whatever_a_file_is_called_it_is_kept_under_a_name_that_is_only_a_name(name):
    kept = clean_name(name)
    assert 0 < len(kept) <= LONGEST_NAME
    assert "/" not in kept and "\\" not in kept and kept.strip(". ") == kept
    assert all(unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp") for each in kept)
    assert clean_name(kept) == kept
    kept.encode()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\dana\\router.png", "router.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("bill\r\nX-Evil: yes.pdf", "bill X-Evil: yes.pdf"),
        ("…/\u0000/.htaccess", "htaccess"),
        ("Überweisung №7 請求書.pdf", "Überweisung №7 請求書.pdf"),
        ("half\ud800pair.txt", "half???pair.txt".replace("???", "\ufffd\ufffd\ufffd")),
        ("", "file"),
        ("...", "file"),
        ("a" * 300 + ".jpeg", "a" * 115 + ".jpeg"),
    ],
)
def test_names_of_the_wild(given, kept):
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.png", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 60, "image/jpeg"),
        ("a.gif", b"GIF89a" + b"\0" * 60, "image/gif"),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 60, "image/webp"),
        ("a.txt", b"No internet since this morning\n", "text/plain"),
        ("a.pdf", b"%PDF-1.7\n" + b"x" * 60, "application/pdf"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 60, "application/zip"),
    ],
)
def test_ordinary_files_are_known_by_how_they_begin(name, content, media_type):
    assert sniff(name, content) == media_type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("picture.png", b"<!doctype html><script>alert(1)</script>"),
        ("picture.jpg", b"%PDF-1.7 and a script"),
        ("picture.png", b"<script>alert(1)</script>" + PNG),
        ("picture.gif", b"GIF8Xa<script>"),
        ("picture.png", b"\n" + PNG),
        ("picture.svg", b"<?xml version='1.0'?><svg onload='alert(1)'/>"),
        ("nothing.png", b""),
    ],
)
def test_what_only_claims_to_be_a_picture_is_never_shown_as_one(name, content):
    assert sniff(name, content) not in SHOWN


@given(st.binary(max_size=300), st.text(max_size=30))
def test_only_what_begins_as_a_picture_is_shown_whatever_the_bytes_and_the_name_are(content, name):
    begins = content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF"))
    assert begins or sniff(name, content) not in SHOWN


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("setup.exe", b"anything"),
        ("holiday.jpg", b"MZ\x90\x00"),
        ("router.bin", b"\x7fELF\x02"),
        ("notes.txt", b"#!/bin/sh\nrm -rf /"),
        ("invoice.pdf.SCR", b"x"),
        ("a.jar", b"PK\x03\x04"),
        ("a.class", b"\xca\xfe\xba\xbe\0\0"),
        ("a", b"\xcf\xfa\xed\xfe"),
    ],
)
def test_programs_are_known_by_their_name_or_their_beginning(name, content):
    assert is_executable(name, content)


def test_a_bomb_is_named_and_not_unpacked(tmp_path):
    """Ten megabytes of nothing in ten kilobytes: it is looked at by its first bytes alone."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10_000_000)
    assert sniff("bomb.zip", packed.getvalue()) == "application/zip"
    assert not is_executable("bomb.zip", packed.getvalue())
