"""Threads that listen at mailboxes, one for each, as many as the operator allows (``BOSS_MAIL_LISTENERS``)."""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, connections

from ticketing.services.mail import listening
from ticketing.services.mail.listening import End

log = structlog.get_logger(__name__)

TICK_SECONDS = 10.0
SHORT_PAUSE, LONG_PAUSE, CANNOT_PAUSE = 5.0, 900.0, 3600.0
"""Seconds: after a cut; the longest after refusals, which doubles from the short one; where a server cannot tell."""


@dataclass
class _Ear:
    """One thread at one mailbox."""

    realm_id: int
    source_id: int
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"mailbox-{self.source_id}", daemon=True).start()

    def _run(self) -> None:
        pause = SHORT_PAUSE
        while not self.stop.is_set():
            try:
                ended = listening.listen(self.realm_id, self.source_id, self.stop)
            except DatabaseError as error:
                log.warning("mailbox_not_listened_at", source=self.source_id, why=str(error))
                ended = End.REFUSED
            except Exception:
                log.exception("mailbox_not_listened_at", source=self.source_id)
                ended = End.REFUSED
            if ended is End.REFUSED:
                pause = min(LONG_PAUSE, pause * 2)
            else:
                pause = CANNOT_PAUSE if ended is End.CANNOT else SHORT_PAUSE
            self.stop.wait(pause)


class Listeners:
    """All mailboxes this process listens at. :meth:`tick` is called by one thread; ``most`` bounds the connections."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.me = secrets.randbits(62)
        self._ears: dict[int, _Ear] = {}

    def run(self, ended: threading.Event) -> None:
        """Until ``ended``; then others may have the mailboxes at once."""
        while not ended.is_set():
            try:
                self.tick()
            except DatabaseError as error:
                log.warning("listeners_wait", error=str(error))
            except Exception:
                log.exception("listeners_wait")
            finally:
                connections.close_all()
            ended.wait(TICK_SECONDS)
        self.end()

    def tick(self) -> None:
        """Keep what is ours, end what is not any more, and take what is free."""
        held = self._held()
        for source_id in [each for each in self._ears if each not in held]:
            self._ears.pop(source_id).stop.set()
        room = self.most - len(self._ears)
        for realm_id, source_id in listening.free_everywhere(room) if room > 0 else []:
            if listening.hold(realm_id, source_id, self.me):
                if source_id in self._ears:  # it was changed meanwhile: begin anew
                    self._ears.pop(source_id).stop.set()
                ear = self._ears[source_id] = _Ear(realm_id, source_id)
                ear.start()

    def end(self) -> None:
        for ear in self._ears.values():
            ear.stop.set()
        try:
            for realm_id, ids in self._by_realm().items():
                listening.let_go(realm_id, ids, self.me)
        except DatabaseError as error:  # others wait for the lease to end
            log.warning("listeners_not_let_go", error=str(error))
        finally:
            connections.close_all()
        self._ears.clear()

    def _held(self) -> set[int]:
        held: set[int] = set()
        for realm_id, ids in self._by_realm().items():
            held |= listening.still_held(realm_id, ids, self.me)
        return held

    def _by_realm(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for ear in self._ears.values():
            found[ear.realm_id].append(ear.source_id)
        return found
