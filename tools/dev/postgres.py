"""A PostgreSQL server for one test run: temporary folder, socket only, nothing is kept."""

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

from shell import LOGS, Stop, end, must, start, wait_for

SETTINGS = {"listen_addresses": "", "max_connections": "300", "shared_buffers": "256MB", "log_min_messages": "fatal"}
#: For tests: durability is not under test, and the folder is thrown away.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _programs():
    """The newest version's folder: Debian keeps these out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if folders:
        return folders[-1]
    path = shutil.which("initdb")
    if not path:
        raise Stop("PostgreSQL's server is not installed: sudo apt-get install -y postgresql")
    return Path(path).parent


@contextlib.contextmanager
def server(durable=False):
    """Yields the URL for the environment variable TEST_PG_URL."""
    programs = _programs()
    folder = tempfile.mkdtemp(prefix="certyard-pg-")
    # PostgreSQL refuses to run as root; Debian's package made this user.
    as_user = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        os.chmod(folder, 0o711)
    settings = SETTINGS if durable else {**SETTINGS, **FAST}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    child = None
    try:
        initdb = [programs / "initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust"]
        must([*as_user, *initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], cwd=folder, quiet=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(LOGS / "postgres.log", "w") as log:
            command = [*as_user, programs / "postgres", "-D", f"{folder}/data", "-k", folder, *options]
            child = start(command, cwd=folder, stdout=log, stderr=log)
        ready = Path(folder) / "data" / "postmaster.pid"
        wait_for(lambda: ready.exists() and "ready" in ready.read_text(), 60, "PostgreSQL", child)
        yield f"postgres://postgres@localhost/postgres?host={folder}"
    finally:
        if child:
            end(child, ask=signal.SIGQUIT)  # it need not save anything, and would wait for its clients otherwise
        shutil.rmtree(folder, ignore_errors=True)
