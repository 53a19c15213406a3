"""What is generated and committed: the API's description, and the dashboard's client."""

from shell import KEEP, ROOT, read, say

DESCRIPTION = ROOT / "openapi" / "openapi.json"
CLIENT = ROOT / "frontend" / "src" / "api" / "schema.d.ts"


def description(certyard):
    """What the program says of its API now."""
    status, text = read([certyard, "openapi"])
    return text if status == 0 else None


def client():
    """What the dashboard's generator makes of the committed description."""
    fresh = KEEP / "schema.d.ts"
    fresh.unlink(missing_ok=True)
    KEEP.mkdir(exist_ok=True)
    command = ["npx", "--no-install", "openapi-typescript", DESCRIPTION, "-o", fresh]
    status, text = read(command, cwd=ROOT / "frontend", errors=True)
    if status != 0:
        say(text)
        return None
    return fresh.read_text()


def is_fresh(path, text, command):
    """Compares; says what to run where the file is missing or old."""
    if text is not None and path.exists() and path.read_text() == text:
        return True
    say(f"    {path.relative_to(ROOT)} is not what the program says: {command}, and commit it")
    return False
