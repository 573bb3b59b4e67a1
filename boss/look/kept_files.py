"""Files of a form that was refused: they were sent once, and are there when the form is sent again.

A view calls :func:`bring` on the form before it is judged, :func:`keep` when it is shown again, and :func:`sent` when
what it said was done. The boxes of the kept files are drawn by ``{% field %}``.
"""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.files import Upload
from boss.core.problems import InvalidInput
from boss.look.forms import BossForm, ManyFilesField
from ticketing.services import attaching, keeping

BOX = "kept"
"""The name of the boxes with which a form says again which of them go along."""


def bring(form: BossForm, request: HttpRequest, name: str) -> None:
    """Give a form what was kept of it and is still ticked, or named in the address of its page. ``name`` says which
    form it is, the thing included."""
    form.kept_for = name
    form.kept_files = {}
    ticked = request.POST.getlist(BOX) or request.GET.getlist(BOX)
    if not ticked:
        return
    for row in keeping.list_kept(_actor(request), name, ticked):
        if isinstance(form.fields.get(row.place), forms.FileField):
            form.kept_files.setdefault(row.place, []).append(row)
    _offer(form)


def keep(form: BossForm, request: HttpRequest) -> None:
    """Call when the form is shown again: what it brought is kept, what cannot be is named. Bad files are said to be
    so beside their box, whatever else was wrong."""
    for place, field in form.fields.items():
        given = request.FILES.getlist(place) if isinstance(field, forms.FileField) else []
        if given:
            _keep_of(form, request, place, given)


def sent(form: BossForm, request: HttpRequest) -> None:
    """Call when what the form said was done."""
    rows = [row for kept in form.kept_files.values() for row in kept]
    if rows:
        keeping.forget(actor=_actor(request), kept=rows)


def _keep_of(form: BossForm, request: HttpRequest, place: str, given: Iterable[UploadedFile]) -> None:
    actor, good, again = _actor(request), [], []
    for one in given:
        one.seek(0)  # whoever refused it may have read it
        each = Upload.of(one)
        try:
            attaching.check([each], realm_id=actor.realm_id, place=place)
        except InvalidInput as refusal:
            if form.is_bound:
                _say(form, place, refusal.fields[place])
        else:
            good.append(each)
    if not isinstance(form.fields[place], ManyFilesField) and good:
        form.kept_files.pop(place, None)  # a new file takes the place of the one before
    for index, each in enumerate(good):
        kept = keeping.keep(actor=actor, form=form.kept_for, place=place, uploads=[each])
        form.kept_files.setdefault(place, []).extend(kept)
        if not kept:
            again = good[index:]
            break
    if again and form.is_bound:
        names = ", ".join(each.name for each in again)
        _say(form, place, [_("Please choose your files again: %(names)s.") % {"names": names}])


def _say(form: BossForm, place: str, words: Iterable[str]) -> None:
    said = set(form.errors.get(place, ()))
    for each in words:
        if each not in said:
            form.add_error(place, each)


def _offer(form: BossForm) -> None:
    """What stands in a box of files when nothing is chosen there."""
    for place, rows in form.kept_files.items():
        uploads = [keeping.upload_of(row) for row in rows]
        if uploads:
            form.initial[place] = uploads if isinstance(form.fields[place], ManyFilesField) else uploads[-1]


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
