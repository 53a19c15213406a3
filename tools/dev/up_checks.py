"""What `./dev up` promises, checked on the real thing: started twice on one data folder, and stopped with Ctrl-C."""

import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import up
from shell import ROOT, Stop, end, environment, read, say, start, wait_for

#: The last thing that it prints when everything stands.
STANDS = "Ctrl-C stops everything"


def check():
    """Returns (passed, failed)."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="certyard-up-") as folder:
        for claim in _claims(Path(folder)):
            try:
                claim()
                passed += 1
            except (Stop, AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                failed += 1
                say(f"    {claim.__name__.replace('_', ' ')}: {error}")
                break  # each builds on the one before
    return passed, failed


def _claims(folder):
    settings = up.free_addresses()
    env = environment(CERTYARD_DATA=folder / "data", **settings)
    api = f"http://{settings['CERTYARD_LISTEN']}/api/v1"
    output = folder / "output"
    runs = []

    def started():
        with open(output, "w") as log:
            run = start([ROOT / "dev", "up", "--debug"], env=env, stdout=log, stderr=log)
        runs.append(run)
        try:
            wait_for(lambda: STANDS in output.read_text(), 600, "./dev up", run)
        except Stop as stop:
            raise Stop(f"{stop}\n{output.read_text()}") from None

    def sign_in():
        email, password = (folder / "data" / "first-sign-in.txt").read_text().split()
        body = json.dumps({"email": email, "password": password}).encode()
        request = urllib.request.Request(f"{api}/sessions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers["Set-Cookie"].split(";")[0]

    def get(path):
        request = urllib.request.Request(f"{api}{path}", headers={"Cookie": sign_in()})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def the_first_start_stands():
        started()

    def the_password_is_for_its_owner_only():
        mode = (folder / "data" / "first-sign-in.txt").stat().st_mode & 0o777
        assert mode == 0o600, oct(mode)

    def the_printed_sign_in_opens_the_dashboard():
        password = (folder / "data" / "first-sign-in.txt").read_text().split()[1]
        assert password in output.read_text(), "the output does not show the password"
        sign_in()

    def the_agent_reports_the_certificates_of_three_clusters():
        def reported():
            clusters = get("/clusters")["items"]
            return len(clusters) == 3 and all(cluster["identity"]["total"] > 0 for cluster in clusters)

        wait_for(reported, 120, "inventory of three clusters", runs[-1])

    def a_busy_port_is_named_with_the_way_out():
        status, text = read([ROOT / "dev", "up", "--debug"], env=env, errors=True)
        port = settings["CERTYARD_LISTEN"].rpartition(":")[2]
        assert status == 1 and port in text and "CERTYARD_LISTEN=" in text, text

    def stops():
        os.kill(runs[-1].pid, signal.SIGINT)
        runs[-1].wait(60)

    def ctrl_c_stops_all_of_it():
        stops()
        up.check_ports(settings)

    def a_second_start_keeps_the_data():
        started()
        sign_in()
        names = [cluster["name"] for cluster in get("/clusters")["items"]]
        assert len(names) == 3, names
        stops()

    try:
        yield the_first_start_stands
        yield the_password_is_for_its_owner_only
        yield the_printed_sign_in_opens_the_dashboard
        yield the_agent_reports_the_certificates_of_three_clusters
        yield a_busy_port_is_named_with_the_way_out
        yield ctrl_c_stops_all_of_it
        yield a_second_start_keeps_the_data
    finally:
        for run in runs:
            if run.poll() is None:
                os.kill(run.pid, signal.SIGINT)
                try:
                    run.wait(30)
                except subprocess.TimeoutExpired:
                    end(run)
