"""`./dev`: the list of commands, and the call of one."""

import shutil
import sys

import needs
import postgres
import rust_tests
import suites
import up as fleet
from shell import KEEP, ROOT, Stop, environment, main, must, run, say, start


def up(arguments):
    """build everything, start Certyard with a simulated fleet and an agent; Ctrl-C stops it (--debug: debug build)"""
    return fleet.up(debug="--debug" in arguments)


def test(arguments):
    """install what tests need and run all of them, or only the suites that are named"""
    return suites.test(arguments)


def bench(arguments):
    """measure the figures that the product promises, in a release build (--installations N: a smaller inventory)"""
    needs.rust()
    needs.debian({**needs.BUILD, **needs.TEST})
    with postgres.server(durable=True) as url:
        env = environment(TEST_PG_URL=url, CERTYARD_BENCH_JSON=KEEP / "bench.json")
        return run(["cargo", "bench", "--workspace", "--locked", "--bench", "limits", "--", *arguments], env=env)


def build(_arguments):
    """build the dashboard and the release programs: target/release/certyard and certyard-agent"""
    programs = fleet.build().relative_to(ROOT)
    say(f"Built {programs}/certyard and {programs}/certyard-agent")


def dev(arguments):
    """the server in a debug build, and the dashboard's development server, which reloads as you type"""
    needs.rust()
    needs.debian(needs.BUILD)
    needs.node()
    needs.frontend()
    rust_tests.build_programs()
    server = start([ROOT / "target" / "debug" / "certyard", "serve", "--data", ROOT / "data", *arguments])
    pages = start(["npm", "run", "dev"], cwd=ROOT / "frontend")
    while server.poll() is None and pages.poll() is None:
        fleet.pause()
    raise Stop("one of the two has ended")


def openapi(arguments):
    """write openapi/openapi.json from the program (--check: only compare)"""
    if "--check" in arguments:
        return suites.test(["openapi"])
    rust_tests.build_programs()
    text = suites.describe_api()
    if text is None:
        raise Stop("`certyard openapi` failed")
    suites.DESCRIPTION.write_text(text)


def client(arguments):
    """write the dashboard's client from openapi/openapi.json (--check: only compare)"""
    if "--check" in arguments:
        return suites.test(["client"])
    needs.node()
    needs.frontend()
    must(["npm", "run", "--silent", "client"], cwd=suites.FRONTEND)


def fmt(_arguments):
    """format the code, Rust and the dashboard"""
    must(["cargo", "fmt", "--all"])
    needs.node()
    needs.frontend()
    must(["npm", "run", "format"], cwd=ROOT / "frontend", quiet=True)


def lint(_arguments):
    """formatting, licences, lints: what needs no test run"""
    return suites.test(["fmt", "deny", "clippy"])


def screenshots(_arguments):
    """make docs/screenshot.png in Chromium, on the real program with the simulated fleet"""
    return fleet.screenshots()


def clean(arguments):
    """remove what was built (--data: the data folder as well)"""
    for folder in ("target", "frontend/dist", "frontend/node_modules", "frontend/test-results"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)
    shutil.rmtree(KEEP, ignore_errors=True)
    if "--data" in arguments:
        shutil.rmtree(ROOT / "data", ignore_errors=True)


COMMANDS = [
    ("up [--debug]", up),
    ("test [suite…]", test),
    ("bench [--…]", bench),
    ("build", build),
    ("dev [--…]", dev),
    ("openapi [--check]", openapi),
    ("client [--check]", client),
    ("fmt", fmt),
    ("lint", lint),
    ("screenshots", screenshots),
    ("clean [--data]", clean),
]
suites.COMMANDS.extend(usage.split()[0] for usage, _ in COMMANDS)


def listing():
    lines = [f"    ./dev {usage:18} {function.__doc__}" for usage, function in COMMANDS]
    return "Certyard: see and manage every certificate of a fleet.\n\n" + "\n".join(lines)


def dispatch():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help", "help"):
        say(listing())
        return 0
    for usage, function in COMMANDS:
        if usage.split()[0] == sys.argv[1]:
            arguments = sys.argv[2:]
            if {"-h", "--help"} & set(arguments) and function is not bench:
                say(f"./dev {usage}\n    {function.__doc__}")
                return 0
            # `[--debug]` is all there is; `[--…]` and `[suite…]` are looked at by whoever gets them.
            known = usage.split()[1:]
            unknown = [word for word in arguments if f"[{word}]" not in known]
            if unknown and not any("…" in word for word in known):
                raise Stop(f"./dev {sys.argv[1]} knows no {unknown[0]}\n    ./dev {usage}: {function.__doc__}")
            return function(arguments) or 0
    raise Stop(f"no such command: {sys.argv[1]}\n\n{listing()}")


main(dispatch)
