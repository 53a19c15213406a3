"""Running other programs: where things are, what is printed, and that nothing outlives us."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What the script keeps for itself: tools it built, test vectors, stamps, logs. Git ignores it.
KEEP = ROOT / ".dev"
LOGS = KEEP / "logs"
#: Nobody works here: what is built is built once, for which increments are only slower.
FRESH = os.environ.get("CI") == "true" or not (ROOT / "target").exists()

_children = []


class Stop(Exception):
    """A message for the user; the script ends with it."""


def say(text=""):
    print(text, flush=True)


def environment(**extra):
    """Our environment, with the tools that the script installed for itself first in the path."""
    env = dict(os.environ)
    paths = [KEEP / "cargo" / "bin", KEEP / "node" / "bin", Path.home() / ".cargo" / "bin"]
    paths = [str(path) for path in paths if path.is_dir() and str(path) not in env.get("PATH", "").split(":")]
    env["PATH"] = ":".join(paths + [env.get("PATH", ""), "/usr/sbin", "/sbin"])
    if FRESH:
        env.setdefault("CARGO_INCREMENTAL", "0")
    if not sys.stdout.isatty():
        env.setdefault("NO_COLOR", "1")
    env.update({name: str(value) for name, value in extra.items()})
    return env


def find(program):
    """The path of a program, or None."""
    return shutil.which(program, path=environment()["PATH"])


def start(command, cwd=ROOT, env=None, **options):
    """Starts a program in a process group of its own, which `end` and `end_all` can stop as a whole."""
    command = [str(word) for word in command]
    try:
        child = subprocess.Popen(
            command, cwd=cwd, env=env or environment(), stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
    except FileNotFoundError:
        raise Stop(f"{command[0]} is not installed") from None
    _children.append(child)
    return child


def end(child, grace_seconds=10, ask=signal.SIGTERM):
    """Asks a program to stop, waits, and ends its group by id when it does not."""
    for kind in (ask, signal.SIGKILL):
        if child.poll() is None:
            _signal_group(child, kind)
            try:
                child.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                continue
    _signal_group(child, signal.SIGKILL)
    if child in _children:
        _children.remove(child)


def _signal_group(child, kind):
    try:
        os.killpg(child.pid, kind)
    except (ProcessLookupError, PermissionError):
        pass


def end_all():
    for child in reversed(_children[:]):
        end(child)


def run(command, cwd=ROOT, env=None, quiet=False):
    """Runs to the end and returns the exit status. Quiet: the output is shown only when it fails."""
    if not quiet:
        child = start(command, cwd, env)
        child.wait()
    else:
        child = start(command, cwd, env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        text, _ = child.communicate()
        if child.returncode != 0:
            say(text.rstrip())
    _children.remove(child)
    return child.returncode


def must(command, cwd=ROOT, env=None, quiet=False):
    """Runs, and stops the script where the program fails."""
    if run(command, cwd, env, quiet) != 0:
        raise Stop(f"failed: {' '.join(str(word) for word in command)}")


def read(command, cwd=ROOT, env=None, errors=False, seconds=None):
    """Runs and returns (exit status, what it printed). One that takes longer than `seconds` is ended."""
    child = start(
        command,
        cwd,
        env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    try:
        text, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(child)
        text, _ = child.communicate()
        return 1, f"{text}\nended after {seconds} seconds"
    _children.remove(child)
    return child.returncode, text


def wait_for(condition, seconds, what, child=None):
    """Waits until the condition returns something true, and returns it."""
    until = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if child is not None and child.poll() is not None:
            raise Stop(f"{what}: the program ended with status {child.returncode}")
        if time.monotonic() > until:
            raise Stop(f"{what}: not within {seconds} seconds")
        time.sleep(0.1)


def main(function):
    """Runs the whole script: Ctrl-C and SIGTERM end every program that was started, in reverse order."""

    def interrupted(_signal, _frame):
        raise KeyboardInterrupt

    # A shell that starts this in the background has SIGINT ignored, which would be inherited.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        sys.exit(function())
    except Stop as stop:
        print(f"dev: {stop}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        print("", file=sys.stderr)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_all()
