"""What the documents say, against what the programs say: every flag, variable, default, command and link.

The truth is `--help`. A name that no program knows is an error, and so is a setting without its line in docs/operate.md.
"""

import json
import re
import shlex
from pathlib import Path

from shell import ROOT, Stop, environment, read, say

#: Variables that builds and tests read.
OTHER_VARIABLES = {"CERTYARD_REQUIRE_UI", "CERTYARD_CORPUS", "CERTYARD_VECTORS", "CERTYARD_FAILPOINT"}
#: Secrets that `certyard serve` takes from the environment; `--help` hides them, as they have no place on a command line.
SECRET_VARIABLES = {"CERTYARD_BOOTSTRAP_TOKEN", "CERTYARD_KEK", "CERTYARD_KEK_PREVIOUS"}
#: Where each program's settings have their table.
SETTINGS = [("certyard serve", "docs/operate.md"), ("certyard-agent run", "docs/agents.md")]


class Command:
    """One (sub)command: its flags, and of those with a variable or default, what `--help` says."""

    def __init__(self, text):
        self.flags, self.variables, self.subcommands = set(), {}, []
        # What stands in brackets may be wrapped anywhere.
        text = re.sub(r"\[[^\]]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)
        part, flag = "", None
        for line in text.splitlines():
            if re.match(r"^\S.*:$", line):
                part = line.rstrip(":")
                continue
            if part == "Commands":
                found = re.match(r"^  ([a-z][a-z-]*)\b", line)
                if found and found[1] != "help":
                    self.subcommands.append(found[1])
            found = re.match(r"^(?:  -(\w), |      )(--[a-z][a-z0-9-]*)", line)
            if found:
                flag = found[2]
                self.flags.add(flag)
                if found[1]:
                    self.flags.add("-" + found[1])
            for name in re.findall(r"\[env: ([A-Z_]+)=?", line):
                self.variables[name] = [flag, None]
            found = re.search(r"\[default: (.*?)\]", line)
            if found:
                for entry in self.variables.values():
                    if entry[0] == flag:
                        entry[1] = found[1]


def commands(program, folder):
    """{"certyard serve": Command, …} by asking `--help` of every subcommand."""
    found = {}

    def ask(words):
        # Without the user's own settings: help prints the values of variables that are set.
        env = {name: value for name, value in environment().items() if not name.startswith("CERTYARD_")}
        status, text = read([folder / program, *words, "--help"], env=env)
        if status != 0:
            raise Stop(f"{program} {' '.join(words)} --help ended with status {status}")
        command = Command(text)
        found[" ".join([program, *words])] = command
        for name in command.subcommands:
            ask([*words, name])

    ask([])
    return found


def documents():
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Dockerfile", "docker-compose.yml"]
    return [ROOT / name for name in names] + sorted((ROOT / "docs").glob("*.md"))


def check(folder, dev_commands):
    """Returns (passed, failed); one test per document and per settings table."""
    known = {**commands("certyard", folder), **commands("certyard-agent", folder)}
    passed = failed = 0
    results = [(path.relative_to(ROOT), list(_check_document(path, known, dev_commands))) for path in documents()]
    results += [(f"settings of {name}", list(_check_settings(known, name, path))) for name, path in SETTINGS]
    for name, errors in results:
        for error in errors:
            say(f"    {name}: {error}")
        passed, failed = passed + (not errors), failed + bool(errors)
    return passed, failed


def _check_document(path, known, dev_commands):
    text = path.read_text()
    variables = {name for command in known.values() for name in command.variables} | OTHER_VARIABLES | SECRET_VARIABLES
    for name in sorted(set(re.findall(r"\bCERTYARD_[A-Z_]+\b", text)) - variables):
        yield f"no program knows the variable {name}"
    for name in sorted(set(re.findall(r"\./dev ([a-z]+)", text)) - set(dev_commands)):
        yield f"there is no ./dev {name}"
    for method, route in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/v1/[^`\s?]*)", text):
        if method.lower() not in _api().get(route, {}):
            yield f"the API has no {method} {route}"
    for line in _command_lines(path, text):
        yield from _check_command_line(line, known)
    if path.suffix == ".md":
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in link and not (path.parent / link).exists():
                yield f"the link {link} leads nowhere"


def _api():
    return json.loads((ROOT / "openapi" / "openapi.json").read_text())["paths"]


def _command_lines(path, text):
    """Every command line of our programs in the text, continued lines joined."""
    if path.suffix in (".yml", ""):
        entry = "certyard"
        for words in re.findall(r"^\s*(?:command:|CMD)\s*(\[.*\])\s*$", text, re.M):
            yield [entry, *json.loads(words)]
        return
    text = text.replace("\\\n", " ")
    code = re.findall(r"```[a-z]*\n(.*?)```", text, re.S)
    lines = [line for block in code for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    for line in lines:
        line = re.sub(r"\s+#.*$", "", line.strip())
        found = re.search(r"(?:^|[\s/])(certyard(?:-agent)?)(\s+.*)?$", line)
        if found and re.match(r"^(?:[$#] |sudo |runuser .*-- |[A-Z_]+=\S+ |[\w./-]*/)*certyard(-agent)?\b", line):
            try:
                yield [found[1], *shlex.split(found[2] or "")]
            except ValueError:
                continue


def _check_command_line(words, known):
    name, rest = words[0], words[1:]
    while rest and f"{name} {rest[0]}" in known:
        name, rest = f"{name} {rest[0]}", rest[1:]
    if rest and known[name].subcommands and re.match(r"^[a-z][a-z-]*$", rest[0]):
        yield f"there is no `{name} {rest[0]}`"
        return
    for word in rest:
        if word in (">", "|", "&&", ";", "<", "2>"):
            return
        flag = word.split("=")[0].rstrip("]")
        if re.match(r"^\[?--?[a-zA-Z]", word) and flag.lstrip("[") not in known[name].flags:
            yield f"`{name}` has no flag {flag}"


def _check_settings(known, name, document):
    """A row is | `--flag` | `VARIABLE` | default | …; the table must be complete and true."""
    rows = {}
    for line in (ROOT / document).read_text().splitlines():
        found = re.match(r"^\| `(--[a-z0-9-]+)` \| `([A-Z_]+)` \| (.*?) \|", line)
        if found:
            rows[found[2]] = (found[1], found[3].strip().strip("`"))
    if name not in known:
        yield f"there is no `{name}`"
        return
    for variable in sorted(SECRET_VARIABLES) if name == "certyard serve" else []:
        if variable not in rows:
            yield f"{variable} has no row in {document}"
    for variable, (flag, default) in sorted(known[name].variables.items()):
        if variable not in rows:
            yield f"{variable} ({flag}) has no row in {document}"
        elif rows[variable][0] != flag:
            yield f"{document} says {rows[variable][0]} for {variable}; it is {flag}"
        elif default is not None and rows[variable][1] != default:
            yield f"{document} says {rows[variable][1]} is the default of {flag}; it is {default}"
