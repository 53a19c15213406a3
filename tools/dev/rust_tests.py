"""The workspace's Rust tests: built once, then each test program is run and its own count is read."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shell import LOGS, Stop, environment, must, read, say, start

#: Rooms without a database: their tests run once.
NO_DATABASE = {"certyard-pki", "certyard-protocol", "certyard-agent", "certyard-lab"}
#: The one shape in which everything is built, so that features and therefore artefacts are the same everywhere.
BUILD = ["cargo", "build", "--workspace", "--all-targets", "--locked"]

#: Clippy's compiler instead of rustc for the crates of the workspace: it compiles as rustc does, and lints as it goes.
LINTING = {"RUSTC_WORKSPACE_WRAPPER": "clippy-driver"}

#: A test that waits for ever must not take the whole run with it.
SECONDS_PER_PROGRAM = 20 * 60

#: Tests wait for other programs half of their time, so two programs share the processors. The longest begin.
AT_ONCE = 2
LONGEST = ["certyard it", "certyard-agent it", "certyard-domain it"]

_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.M)


class TestProgram:
    """One program full of tests: of a library, a binary or a `tests` folder."""

    def __init__(self, message):
        target = message["target"]
        kind = target["kind"][0]
        self.path = message["executable"]
        self.folder = Path(message["manifest_path"]).parent
        # The id ends in `#name@version`, or in `/name#version` where the folder has the package's name.
        before, _, after = message["package_id"].rpartition("#")
        self.package = after.split("@")[0] if "@" in after else before.rsplit("/", 1)[1]
        self.name = f"{self.package} {kind}" if kind in ("lib", "bin") else f"{self.package} {target['name']}"


class Build:
    """What one build made: the test programs, the variables that name the other programs, and what the lints say."""

    def __init__(self):
        self.tests, self.variables, self.warnings = [], {}, []


def build():
    """Builds programs and tests. Clippy's compiler does it, so that the lints cost no build of their own."""
    child = start([*BUILD, "--message-format=json"], env=environment(**LINTING), stdout=subprocess.PIPE, text=True)
    built = Build()
    for line in child.stdout:
        message = json.loads(line)
        if message.get("reason") == "compiler-message":
            _heed(message["message"], built)
        if message.get("reason") != "compiler-artifact" or not message.get("executable"):
            continue
        if message["target"]["kind"] == ["bench"]:
            continue  # measured by ./dev bench, not tested
        if message["profile"]["test"]:
            built.tests.append(TestProgram(message))
        else:
            built.variables[f"CARGO_BIN_EXE_{message['target']['name']}"] = message["executable"]
    if child.wait() != 0:
        raise Stop("the workspace does not build")
    return built


def build_programs():
    """The same build, for whoever wants its programs only."""
    must([*BUILD, "-q"], env=environment(**LINTING))


def _heed(message, built):
    if message["level"] == "error":
        say(message["rendered"])
    # The compiler's sum of its warnings has no place in the source.
    elif message["level"] == "warning" and message["spans"]:
        built.warnings.append(message["rendered"])


def run_programs(programs, log_name, **variables):
    """Runs the test programs. Returns (passed, failed)."""
    LOGS.mkdir(parents=True, exist_ok=True)

    def one(program):
        env = environment(CARGO_MANIFEST_DIR=program.folder, RUST_BACKTRACE="1", **variables)
        return read([program.path], cwd=program.folder, env=env, errors=True, seconds=SECONDS_PER_PROGRAM)

    def turn(program):
        return LONGEST.index(program.name) if program.name in LONGEST else len(LONGEST)

    programs = sorted(programs, key=turn)
    passed = failed = 0
    with open(LOGS / f"{log_name}.log", "w") as log, ThreadPoolExecutor(AT_ONCE) as lanes:
        for program, (status, text) in zip(programs, lanes.map(one, programs)):
            log.write(f"==== {program.name}\n{text}\n")
            ok, bad = _count(program.name, status, text)
            passed, failed = passed + ok, failed + bad
    return passed, failed


def run_examples(log_name):
    """The examples in the documentation of public items."""
    LOGS.mkdir(parents=True, exist_ok=True)
    command = ["cargo", "test", "--workspace", "--locked", "--doc", "--no-fail-fast"]
    status, text = read(command, env=environment(**LINTING), errors=True)
    (LOGS / f"{log_name}.log").write_text(text)
    return _count("documentation examples", status, text)


def _count(name, status, text):
    results = [tuple(map(int, found)) for found in _RESULT.findall(text)]
    passed, failed, ignored = (sum(column) for column in zip(*results)) if results else (0, 0, 0)
    # A program that ends without its last word has crashed: that is a failure which it could not count itself.
    if status != 0 and failed == 0:
        failed = 1
    note = f", {ignored} ignored" if ignored else ""
    if passed or failed or ignored:
        say(f"    {name}: {passed} passed, {failed} failed{note}")
    if failed:
        say(_failures(text))
    return passed, failed


def _failures(text):
    """What the user needs: the failures' own output, else the end of everything."""
    start = text.find("\nfailures:\n")
    part = text[start:] if start >= 0 else text
    lines = part.rstrip().splitlines()
    if len(lines) > 400:
        lines = lines[:300] + [f"… {len(lines) - 400} lines more in .dev/logs …"] + lines[-100:]
    return "\n".join("      " + line for line in lines)
