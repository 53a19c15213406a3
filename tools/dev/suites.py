"""`./dev test`: every suite, what it needs, and the sum of what the runners themselves counted."""

import json
import re
import time

import docs
import needs
import postgres
import rust_tests
import up_checks
from shell import ROOT, Stop, environment, read, run, say

FRONTEND = ROOT / "frontend"
DEBUG = ROOT / "target" / "debug"
DESCRIPTION = ROOT / "openapi" / "openapi.json"


class Suite:
    """One kind of test. `run` returns (passed, failed); a check that has no tests inside counts as one."""

    def __init__(self, name, about, function):
        self.name, self.about, self.run = name, about, function


def check(status):
    return (1, 0) if status == 0 else (0, 1)


def fmt():
    return check(run(["cargo", "fmt", "--all", "--check"]))


def clippy():
    warnings = _build().warnings
    for warning in dict.fromkeys(warnings):
        say(warning)
    return (0, 1) if warnings else (1, 0)


def deny():
    needs.cargo_deny()
    # Offline from here on, yet it looks at every crate of the lock file.
    if run(["cargo", "fetch", "--locked", "-q"]) != 0:
        return 0, 1
    _, text = read(["cargo", "deny", "--offline", "check", "bans", "licenses", "sources"], errors=True)
    verdicts = re.findall(r"\b(bans|licenses|sources) (ok|FAILED)", text.rstrip().rsplit("\n", 1)[-1])
    passed = sum(verdict == "ok" for _, verdict in verdicts)
    if passed != 3:
        say(text)
    return passed, 3 - passed


_built = []


def _build():
    """What is tested, built once for all suites."""
    if not _built:
        _built.append(rust_tests.build())
    return _built[0]


def rust():
    needs.debian(needs.TEST)
    built = _build()
    variables = built.variables | {"CERTYARD_VECTORS": needs.vectors()}
    passed, failed = rust_tests.run_programs(built.tests, "rust", **variables)
    more, worse = rust_tests.run_examples("rust-examples")
    return passed + more, failed + worse


def rust_postgres():
    needs.debian(needs.TEST)
    built = _build()
    tests = [test for test in built.tests if test.package not in rust_tests.NO_DATABASE]
    variables = built.variables | {"CERTYARD_VECTORS": needs.vectors()}
    with postgres.server() as url:
        return rust_tests.run_programs(tests, "rust-postgres", TEST_PG_URL=url, **variables)


def dashboard():
    needs.node()
    needs.frontend()
    if run(["npm", "run", "--silent", "check"], cwd=FRONTEND) != 0:
        return 0, 1
    report = FRONTEND / "test-results" / "unit.json"
    report.unlink(missing_ok=True)
    status = run(["npm", "test", "--silent"], cwd=FRONTEND)
    passed, failed = _report(report, "numPassedTests", "numFailedTests", status)
    return passed + 1, failed  # one more: types, texts and formatting


def _report(path, passed, failed, status):
    """A runner's own result file. One that is missing, or silent about a bad end, is a failure."""
    if not path.exists():
        say(f"    no result file {path.relative_to(ROOT)}")
        return 0, 1
    counts = json.loads(path.read_text())
    return counts[passed], counts[failed] or (1 if status != 0 else 0)


def browser():
    needs.debian(needs.TEST)
    needs.node()
    needs.frontend()
    _build()
    # What the browser sees is what is shipped: built, compressed, and held to the size budget.
    if run(["npm", "run", "--silent", "build"], cwd=FRONTEND, quiet=True) != 0:
        return 0, 1
    report = FRONTEND / "test-results" / "e2e.json"
    report.unlink(missing_ok=True)
    status = run(["npm", "run", "--silent", "e2e"], cwd=FRONTEND, env=environment(CERTYARD_BIN=DEBUG / "certyard"))
    passed, failed = _report(report, "passed", "failed", status)
    return passed + 1, failed


def describe_api():
    """What the program says of its API now; None when it fails."""
    status, text = read([DEBUG / "certyard", "openapi"])
    return text if status == 0 else None


def openapi():
    _build()
    if DESCRIPTION.exists() and DESCRIPTION.read_text() == describe_api():
        return 1, 0
    say("    openapi/openapi.json is not what the program says: ./dev openapi, and commit it")
    return 0, 1


def client():
    needs.node()
    needs.frontend()
    return check(run(["npm", "run", "--silent", "client:check"], cwd=FRONTEND))


def start_and_stop():
    _build()
    return up_checks.check()


def documents():
    _build()
    return docs.check(DEBUG, COMMANDS)


#: Names of the commands of `./dev`, for the check of the documents; the list itself stands in __main__.
COMMANDS = []

SUITES = [
    Suite("fmt", "Rust is formatted", fmt),
    Suite("deny", "licences, bans and sources of the dependencies", deny),
    Suite("clippy", "lints in the build of everything, a warning is an error", clippy),
    Suite("rust", "Rust tests on SQLite, and the documentation's examples", rust),
    Suite("rust-postgres", "Rust tests of the rooms with a database, on PostgreSQL", rust_postgres),
    Suite("openapi", "openapi.json is what the program says", openapi),
    Suite("client", "the dashboard's client is what openapi.json says", client),
    Suite("dashboard", "types, texts and unit tests of the dashboard", dashboard),
    Suite("browser", "the dashboard in Chromium, on the real program", browser),
    Suite("up", "./dev up stands, stops and keeps its data", start_and_stop),
    Suite("docs", "flags, variables, defaults, commands and links in the documents", documents),
]


def test(names):
    chosen = [suite for suite in SUITES if not names or suite.name in names]
    unknown = set(names) - {suite.name for suite in SUITES}
    if unknown:
        known = "\n".join(f"    {suite.name:14} {suite.about}" for suite in SUITES)
        raise Stop(f"no such suite: {' '.join(sorted(unknown))}. There are:\n{known}")
    needs.rust()
    needs.debian(needs.BUILD)
    results = []
    for suite in chosen:
        say(f"\n==== {suite.name}: {suite.about}")
        began = time.monotonic()
        try:
            passed, failed = suite.run()
        except Stop as stop:
            say(f"    {stop}")
            passed, failed = 0, 1
        if passed + failed == 0:
            say(f"    {suite.name} ran no test at all: that is a failure")
            failed = 1
        results.append((suite.name, passed, failed, (time.monotonic() - began) / 60))
    say("\nsuite              minutes   passed   failed")
    for name, passed, failed, minutes in results:
        say(f"{name:16} {minutes:9.1f} {passed:8} {failed:8}")
    say(f"{'all':16} {sum(row[3] for row in results):9.1f}")
    passed, failed = sum(row[1] for row in results), sum(row[2] for row in results)
    say(f"\n{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1
