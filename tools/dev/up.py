"""`./dev up`: from a fresh clone to a running Certyard with a fleet to look at."""

import json
import os
import secrets
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import needs
from shell import ROOT, Stop, environment, must, read, say, start, wait_for

PROGRAMS = ROOT / "target" / "release"
CERTYARD = PROGRAMS / "certyard"
AGENT = PROGRAMS / "certyard-agent"

#: (variable, default, what listens there)
LISTENERS = [
    ("CERTYARD_LISTEN", "127.0.0.1:8080", "the dashboard and the API"),
    ("CERTYARD_AGENT_LISTEN", "127.0.0.1:8443", "the agents"),
    ("CERTYARD_OPS_LISTEN", "127.0.0.1:9090", "health and metrics"),
]
OWNER = {"organisation": "Example", "name": "Owner", "email": "owner@example.org"}


def build():
    """The dashboard, then the programs, which embed it."""
    needs.rust()
    needs.debian(needs.BUILD)
    needs.node()
    needs.frontend()
    if _dashboard_is_older():
        say("Building the dashboard …")
        must(["npm", "run", "build", "--prefix", ROOT / "frontend"], quiet=True)
    say("Building the programs (the first time takes several minutes) …")
    must(["cargo", "build", "--release", "--workspace", "--locked"])


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


def up():
    addresses = {name: os.environ.get(name, default) for name, default, _ in LISTENERS}
    _check_ports(addresses)
    build()
    _check_ports(addresses)
    data = Path(os.environ.get("CERTYARD_DATA", ROOT / "data")).resolve()
    for folder in (data, data / "lab", data / "logs"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    # Lives as long as this run: it is how this script enters what a person would type.
    token = "cyd_" + secrets.token_urlsafe(32)
    serve = _start("server", data, [CERTYARD, "serve", "--data", data], CERTYARD_BOOTSTRAP_TOKEN=token, **addresses)
    lab_file = data / "lab" / "lab.json"
    began = time.time()
    lab = _start("lab", data, [CERTYARD, "lab", "up", "--clusters", "3", "--data", data / "lab"])
    wait_for(lambda: _answers(f"http://{addresses['CERTYARD_OPS_LISTEN']}/readyz"), 60, "the server", serve)
    api = Api(f"http://{addresses['CERTYARD_LISTEN']}", token)
    sign_in = _set_up(api, data)
    wait_for(lambda: lab_file.exists() and lab_file.stat().st_mtime >= began - 1, 300, "the lab fleet", lab)
    agent = _agent(api, data, json.loads(lab_file.read_text()))
    _welcome(api, data, sign_in, json.loads(lab_file.read_text()))

    programs = {"server": serve, "lab": lab, "agent": agent}
    while True:
        for name, child in programs.items():
            if child.poll() is not None:
                log = (data / "logs" / f"{name}.log").read_text(errors="replace").splitlines()[-20:]
                raise Stop(f"the {name} ended with status {child.returncode}:\n" + "\n".join(log))
        time.sleep(0.5)


def _check_ports(addresses):
    for name, _, what in LISTENERS:
        host, _, port = addresses[name].rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]") or "127.0.0.1", int(port)))
            except OSError as error:
                raise Stop(
                    f"port {port} on {host} is not free ({error.strerror}); {what} would listen there.\n"
                    f"    Stop what uses it (`ss -ltnp 'sport = :{port}'` names it), or choose another:\n"
                    f"    {name}={host}:{int(port) + 10} ./dev up"
                ) from None


def _start(name, data, command, **variables):
    # One file per program and start; the one before is of use after a crash.
    path = data / "logs" / f"{name}.log"
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    with open(path, "w") as log:
        return start(command, env=environment(**variables), stdout=log, stderr=log)


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


def _set_up(api, data):
    """The first owner. Returns the lines to show about the sign-in."""
    kept = data / "first-sign-in.txt"
    code = data / "setup-code"
    if not code.exists():
        where = f"password in {_short(kept)}" if kept.exists() else "as you chose it"
        return [f"{OWNER['email']}, {where}"]
    password = secrets.token_urlsafe(15)
    api.call("POST", "/setup", {"code": code.read_text().strip(), "password": password, **OWNER})
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{OWNER['email']}\n{password}\n")
    return [OWNER["email"], f"{password}   (kept in {_short(kept)})"]


def _short(path):
    """As the user would type it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def pause():
    time.sleep(0.5)


def _agent(api, data, fleet):
    """Joins an agent once, enters the lab's nodes as a person would, and starts it."""
    home = data / "agent"
    if not (home / "identity.json").exists():
        token = api.call("POST", "/join-tokens", {})
        must([AGENT, "join", "--data", home, "--token", token["token"], "--name", "lab"], quiet=True)
    agent = _start("agent", data, [AGENT, "run", "--data", home])
    return agent


def _welcome(api, data, sign_in, fleet):
    first = fleet["nodes"][0]
    program = _short(CERTYARD)
    lab = _short(data / "lab")
    say(
        f"""
Certyard runs at   {api.url}
Sign in as         {chr(10).join(sign_in[:1])}
"""
        + "".join(f"with               {line}\n" for line in sign_in[1:])
        + f"""
Three things to try:
  1. Clusters: three simulated clusters, each certificate of each node, what is expired and what will be.
  2. Open a cluster, choose the tomcat certificate of {first['name']}, and generate a CSR: the node makes it, and keeps the key.
  3. Download the CSR and play the outside CA:
         {program} lab sign tomcat.csr --data {lab} --out tomcat.p7b --format p7b
     Upload the answer on the same page and watch the job. The node serves the new certificate after
         {program} lab restart {first['name']} --data {lab}

Ctrl-C stops everything; the data stays in {_short(data)}. Logs: {_short(data / 'logs')}
"""
    )
