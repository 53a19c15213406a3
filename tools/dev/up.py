"""`./dev up`: from a fresh clone to a running Certyard with a fleet to look at."""

import contextlib
import errno
import json
import os
import secrets
import shlex
import socket
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import needs
import rust_tests
from shell import ROOT, Stop, end, environment, must, read, say, start, wait_for

RELEASE = ROOT / "target" / "release"
DEBUG = ROOT / "target" / "debug"

#: (variable, default, what listens there)
LISTENERS = [
    ("CERTYARD_LISTEN", "127.0.0.1:8080", "the dashboard and the API"),
    ("CERTYARD_AGENT_LISTEN", "127.0.0.1:8443", "the agents"),
    ("CERTYARD_OPS_LISTEN", "127.0.0.1:9090", "health and metrics"),
]
OWNER = {"organisation": "Example", "name": "Owner", "email": "owner@example.org"}


def build(debug=False):
    """The dashboard, then the programs, which embed it. Returns the folder of the programs."""
    needs.rust()
    needs.debian(needs.BUILD)
    needs.node()
    needs.frontend()
    if _dashboard_is_older():
        say("Building the dashboard …")
        must(["npm", "run", "build", "--prefix", ROOT / "frontend"], quiet=True)
    if debug:
        rust_tests.build_programs()
        return DEBUG
    say("Building the programs (the first time takes several minutes) …")
    must(["cargo", "build", "--release", "--workspace", "--locked"])
    return RELEASE


def _dashboard_is_older():
    frontend = ROOT / "frontend"
    built = frontend / "dist" / "index.html"
    if not built.exists():
        return True
    skipped = {"node_modules", "dist", "test-results"}
    for folder, folders, files in os.walk(frontend):
        folders[:] = [name for name in folders if name not in skipped]
        if any((Path(folder) / name).stat().st_mtime > built.stat().st_mtime for name in files):
            return True
    return False


def up(debug=False):
    addresses = {name: os.environ.get(name, default) for name, default, _ in LISTENERS}
    data = Path(os.environ.get("CERTYARD_DATA", ROOT / "data")).resolve()
    check_ports(addresses)
    check_agent(data, addresses)
    programs = build(debug)
    fleet = Fleet(programs, data, addresses)
    fleet.start()
    fleet.welcome()
    while True:
        fleet.check()
        pause()


def pause():
    time.sleep(0.5)


def check_ports(addresses):
    """Stops with all listeners that cannot be had, before anything is built for them."""
    busy, instead = [], []
    for name, default, what in LISTENERS:
        host, _, port = addresses[name].rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise Stop(f"{name}={addresses[name]} is no address to listen on: one like {default}")
        v6 = host.startswith("[")
        with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), int(port)))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise Stop(f"{name}={addresses[name]} cannot be listened on: {error.strerror}") from None
                busy.append(f"    {addresses[name]}, for {what} (`ss -ltnp 'sport = :{port}'` names what uses it)")
                instead.append(f"{name}={host}:{int(port) + 10}")
    if busy:
        raise Stop(
            "these are in use:\n" + "\n".join(busy) + "\n"
            "    Stop what uses them. For a second Certyard beside it choose other ones, and another folder:\n"
            f"    {' '.join(instead)} CERTYARD_DATA=data2 ./dev up"
        )


def check_agent(data, addresses):
    """The agent of a data folder knows where its server is since it joined, and nowhere else."""
    identity = data / "agent" / "identity.json"
    if not identity.exists():
        return
    joined, now = json.loads(identity.read_text()).get("url"), f"https://{addresses['CERTYARD_AGENT_LISTEN']}"
    if joined and joined != now:
        raise Stop(
            f"the agent of {_short(data)} joined at {joined} and would not find its server at {now}.\n"
            f"    Start with CERTYARD_AGENT_LISTEN={joined.removeprefix('https://')}, or with a new folder: CERTYARD_DATA=data2"
        )


def free_addresses():
    """Ports for a fleet of its own, beside whatever runs here."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in LISTENERS]
        ports = [probe.getsockname()[1] for probe in probes]
    return {name: f"127.0.0.1:{port}" for (name, _, _), port in zip(LISTENERS, ports)}


def screenshots():
    """A picture of the list of clusters, as a new user sees it."""
    needs.debian(needs.TEST)
    programs = build(debug=True)
    with tempfile.TemporaryDirectory(prefix="certyard-screenshot-") as folder:
        fleet = Fleet(programs, Path(folder), free_addresses())
        fleet.start()
        wait_for(lambda: fleet.check() or fleet.is_known(), 180, "the certificates of all clusters")
        email, password = (fleet.data / "first-sign-in.txt").read_text().split()
        picture = ROOT / "docs" / "screenshot.png"
        must(["node", ROOT / "tools/dev/screenshot.mjs", fleet.api.url, "/", email, password, picture])
        fleet.stop()
    say(f"Made {picture.relative_to(ROOT)}")


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Api:
    """The few calls that this script makes, as any other client would."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise Stop(f"{method} {path} was answered {error.code}: {error.read().decode(errors='replace')}") from None


class Fleet:
    """The server, the lab and an agent on one data folder."""

    def __init__(self, programs, data, addresses):
        self.certyard, self.agent_program = programs / "certyard", programs / "certyard-agent"
        self.data, self.addresses = data, addresses
        # Lives as long as this run: it is how this script enters what a person would type.
        self.api = Api(f"http://{addresses['CERTYARD_LISTEN']}", "cyd_" + secrets.token_urlsafe(32))
        self.programs, self.sign_in, self.lab = {}, [], {}

    def start(self):
        for folder in (self.data, self.data / "lab", self.data / "logs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        variables = {"CERTYARD_BOOTSTRAP_TOKEN": self.api.token, **self.addresses}
        server = self._run("server", [self.certyard, "serve", "--data", self.data], **variables)
        lab_file = self.data / "lab" / "lab.json"
        lab_file.unlink(missing_ok=True)  # the lab writes it when its nodes listen
        lab = self._run("lab", [self.certyard, "lab", "up", "--clusters", "3", "--data", self.data / "lab"])
        ready = f"http://{self.addresses['CERTYARD_OPS_LISTEN']}/readyz"
        wait_for(lambda: self.check() or _answers(ready), 60, "the server", server)
        self.sign_in = self._set_up()
        wait_for(lambda: self.check() or lab_file.exists(), 300, "the lab fleet", lab)
        self.lab = json.loads(lab_file.read_text())
        self._join()

    def _run(self, name, command, **variables):
        # One file per program and start; the one before is of use after a crash.
        path = self._log(name)
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        with open(path, "w") as log:
            self.programs[name] = start(command, env=environment(**variables), stdout=log, stderr=log)
        return self.programs[name]

    def _log(self, name):
        return self.data / "logs" / f"{name}.log"

    def check(self):
        """Stops the script with the last words of a program that has ended."""
        for name, child in self.programs.items():
            if child.poll() is not None:
                last = self._log(name).read_text(errors="replace").splitlines()[-20:]
                raise Stop(f"the {name} ended with status {child.returncode}:\n" + "\n".join(last))

    def is_known(self):
        """Whether the agent has reported every cluster of the lab."""
        clusters = self.api.call("GET", "/clusters")["items"]
        wanted = {node["cluster"] for node in self.lab["nodes"]}
        return len(clusters) == len(wanted) and all(cluster["identity"]["total"] > 0 for cluster in clusters)

    def stop(self):
        for child in reversed(self.programs.values()):
            end(child)

    def _set_up(self):
        """Makes the first owner, once. Returns the lines to show about the sign-in."""
        kept, code = self.data / "first-sign-in.txt", self.data / "setup-code"
        if not code.exists():
            return [OWNER["email"], f"the password in {_short(kept)}" if kept.exists() else "the password that you chose"]
        password = secrets.token_urlsafe(15)
        self.api.call("POST", "/setup", {"code": code.read_text().strip(), "password": password, **OWNER})
        with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{OWNER['email']}\n{password}\n")
        return [OWNER["email"], f"{password}   (kept in {_short(kept)})"]

    def _join(self):
        """Joins an agent, enters the lab's nodes on it as a person would, both once, and starts it."""
        home = self.data / "agent"
        agent = [self.agent_program, "--data", home]
        if not (home / "identity.json").exists():
            # The very command that the page shows for copying.
            command = self.api.call("POST", "/join-tokens", {"name": "the lab's agent"})["command"]
            must([*agent, *shlex.split(command)[1:], "--name", "lab"], quiet=True)
        status, known = read([*agent, "node", "list"], errors=True)
        if status != 0:
            raise Stop(f"the agent cannot list its nodes: {known}")
        for node in self.lab["nodes"]:
            if f"\n{node['name']} " not in known:
                self._add_node(agent, node)
        self._run("agent", [*agent, "run", "--start-jitter-seconds", "0"])

    def _add_node(self, agent, node):
        options = {name: node[name] for name in ("cluster", "product", "version", "name", "address", "role", "user")}
        if node["connector"] == "cisco_cli":
            options["address"] = node["ssh"]
        words = [f"--{name}={value}" for name, value in options.items()]
        with tempfile.NamedTemporaryFile("w", dir=self.data) as password:  # mode 0600
            password.write(node["password"])
            password.flush()
            words += [f"--connector={node['connector']}", f"--password-file={password.name}"]
            words += [f"--pin-host-key={node['ssh_host_key']}"]
            port = {side: node[side].rsplit(":", 1)[1] for side in ("address", "ssh")}
            if node["connector"] == "cisco_cli":
                words += [f"--tls-port={port['address']}"]
            else:
                words += [f"--pin-sha256={node['sha256']}", f"--ssh-port={port['ssh']}"]
            must([*agent, "node", "add", *words], quiet=True)

    def welcome(self):
        node = self.lab["nodes"][0]["name"]
        program, data = _short(self.certyard), _short(self.data)
        lab = "" if str(data) == "data" else f" --data {data}/lab"  # the program's own default
        say(
            f"""
Certyard runs at  {self.api.url}
sign in as        {self.sign_in[0]}
with              {self.sign_in[1]}

Three things to try:
  1. Clusters: three simulated clusters with every certificate of every node, what is expired and what soon will be.
  2. Open a cluster, choose the tomcat certificate of {node} and generate a CSR: the node makes it and keeps the key.
  3. Download the CSR and play the outside CA that signs it:
         {program} lab sign {node}-tomcat.csr{lab}
     Upload the file that it writes in the same place and watch the job. The node serves the new certificate after
         {program} lab restart {node}{lab}
     and Refresh in Certyard shows that it is served.

Ctrl-C stops everything. The data stays in {data}, logs are in {data}/logs.
"""
        )


def _short(path):
    """As the user would type it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
