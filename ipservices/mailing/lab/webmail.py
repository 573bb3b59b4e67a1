"""A private Roundcube, served by PHP's own server, with BOSS's plug-in."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from ipservices import labs
from ipservices.labs import HOST

ROUNDCUBE = Path("/usr/share/roundcube")
_DEFAULTS = Path("/etc/roundcube/defaults.inc.php")
_PLUGIN = Path(__file__).parent.parent / "roundcube" / "boss_sign_in"


def is_installed() -> bool:
    return labs.find_program("php") is not None and ROUNDCUBE.exists() and _DEFAULTS.exists()


def write(home: Path, *, ports: Mapping[str, int], key: str, master: str, master_password: str) -> None:
    """Configuration, an empty database, and a tree of links to the installed Roundcube below ``home``."""
    root = home / "root"
    for place in (home, root, root / "plugins", home / "config", home / "logs", home / "temp", home / "spent"):
        place.mkdir(exist_ok=True, mode=0o755)
    for name in ("program", "skins", "SQL", "index.php"):
        _link(root / name, ROUNDCUBE / name)
    for name in ("filesystem_attachments", "jqueryui"):
        _link(root / "plugins" / name, ROUNDCUBE / "plugins" / name)
    shutil.copytree(_PLUGIN, root / "plugins" / _PLUGIN.name, dirs_exist_ok=True)
    shutil.copy(_DEFAULTS, home / "config" / "defaults.inc.php")
    (home / "config/install.php").write_text(f"<?php define('INSTALL_PATH', '{root}/');\n")
    des_key = labs.remembered(home / "des-key", lambda: secrets.token_hex(12))
    path = home / "config/config.inc.php"
    path.touch(mode=0o600)
    path.write_text(
        _CONFIG.format(home=home, key=key, master=master, password=master_password, des_key=des_key, **ports)
    )


def command(home: Path, port: int) -> list[str]:
    """How to serve it."""
    said = {
        "auto_prepend_file": home / "config/install.php",
        "opcache.lockfile_path": home / "temp",
        "sys_temp_dir": home / "temp",
        "session.save_path": home / "temp",
    }
    told = [word for key, value in said.items() for word in ("-d", f"{key}={value}")]
    return [str(labs.find_program("php")), *told, "-S", f"{HOST}:{port}", "-t", str(home / "root")]


def _link(place: Path, target: Path) -> None:
    if not place.is_symlink():
        place.symlink_to(target)


_CONFIG = """<?php
$config['db_dsnw'] = 'sqlite:///{home}/roundcube.sqlite3?mode=0600';
$config['imap_host'] = '127.0.0.1:{imap}';
$config['smtp_host'] = '127.0.0.1:{submission}';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['des_key'] = '{des_key}';
$config['log_dir'] = '{home}/logs';
$config['temp_dir'] = '{home}/temp';
$config['plugins'] = ['boss_sign_in'];
$config['enable_spellcheck'] = false;
$config['boss_sign_in_key'] = '{key}';
$config['boss_sign_in_master'] = '{master}';
$config['boss_sign_in_master_password'] = '{password}';
$config['boss_sign_in_spent'] = '{home}/spent';
"""
