"""`./dev`: the list of commands, and the call of one."""

import sys

import needs
import suites
from shell import Stop, main, must, say


def fmt(_arguments):
    """format the code"""
    must(["cargo", "fmt", "--all"])


def lint(_arguments):
    """formatting, lints, licences: what needs no test run"""
    return suites.test(["fmt", "clippy", "deny"])


def test(arguments):
    """install what tests need and run all of them, or only the suites that are named"""
    return suites.test(arguments)


COMMANDS = [("test [suite…]", test), ("fmt", fmt), ("lint", lint)]


def listing():
    lines = [f"    ./dev {usage:18} {function.__doc__}" for usage, function in COMMANDS]
    return "Certyard: see and manage every certificate of a fleet.\n\n" + "\n".join(lines)


def dispatch():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help", "help"):
        say(listing())
        return 0
    for usage, function in COMMANDS:
        if usage.split()[0] == sys.argv[1]:
            return function(sys.argv[2:]) or 0
    raise Stop(f"no such command: {sys.argv[1]}\n\n{listing()}")


main(dispatch)
