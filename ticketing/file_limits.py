"""How many files, and how large, a realm takes on its tickets (rule E3). Kept in ``Realm.settings["files"]``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from boss.tenancy.selectors import get_realm

KEY = "files"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileLimits:
    """For one message: at most ``count`` files of ``file_mib`` MiB each and ``total_mib`` together.

    ``mail_mib`` is how much of them goes along with a mail: most mail servers refuse mails of more than 25 MiB, and in
    a mail a file grows by a third. What does not fit is named in the mail and waits on the ticket's page.
    """

    count: int = 20
    file_mib: int = 15
    total_mib: int = 25
    mail_mib: int = 15

    def to_json(self) -> dict[str, int]:
        return asdict(self)


DEFAULT = FileLimits()
MOST = FileLimits(count=50, file_mib=25, total_mib=50, mail_mib=25)
"""The house's own: what the proxy and the database are laid out for."""


def of_realm(realm_id: int) -> FileLimits:
    """What the realm has set, else the usual."""
    kept = get_realm(realm_id).settings.get(KEY, {})
    return FileLimits(**{name: int(kept.get(name, usual)) for name, usual in DEFAULT.to_json().items()})
