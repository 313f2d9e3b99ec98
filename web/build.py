"""Puts ODK Web Forms, Vue and htmx where pages load them from: by npm, exactly as web/package-lock.json names them.

python web/build.py            # fetch what is missing or older than the lock
python web/build.py --check    # exit 1 if that would do something

Nothing is bundled or changed, with one exception: the library's style sheet, which it carries inside a script, becomes
a file, without the fonts embedded in it. They are half of what a phone would have to load, and every Android has them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
LOCK = WEB / "package-lock.json"
MODULES = WEB / "node_modules"
TARGET = ROOT / "openrosa" / "static" / "webforms"
STAMP = TARGET / "build.json"
DESK = ROOT / "console" / "static" / "vendor"
ONLY_TESTED_WITH = frozenset({"axe-core"})
NO_NPM = (
    "There is no npm on this machine: the form in a browser is left out, and its address answers 503. "
    "On Debian: apt-get install nodejs npm; then: make web"
)
_STYLE = re.compile(r"createTextNode\('((?:[^'\\]|\\.)*)'\)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FONT = re.compile(r"@font-face\s*\{[^}]*\}")


def wanted() -> str:
    """What the files have to be made from: the lock and this script."""
    return hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def is_fresh() -> bool:
    """Whether the files are there and made from this lock."""
    try:
        made_from = json.loads(STAMP.read_text(encoding="utf-8"))["made_from"]
        return bool(made_from == wanted()) and (DESK / "htmx.min.js").is_file()
    except (OSError, ValueError, KeyError):
        return False


def style_sheet(script: str) -> str:
    """The style sheet inside the library's entry script, without its fonts.

    >>> style_sheet("a.appendChild(document.createTextNode('@font-face{src:url(x)}b{top:0}'))")
    'b{top:0}'
    """
    found = _STYLE.search(script)
    if found is None:
        raise SystemExit("The entry script of @getodk/web-forms no longer holds its style sheet: mend web/build.py.")
    sheet = _FONT.sub("", _ESCAPE.sub(r"\1", found.group(1)))
    if "data:font" in sheet:
        raise SystemExit("A font is left in the style sheet of @getodk/web-forms: mend web/build.py.")
    return sheet


def licences() -> str:
    """Name, version and licence of every package that came along, with the texts that they bring."""
    parts = []
    for path in sorted(MODULES.glob("*/package.json")) + sorted(MODULES.glob("@*/*/package.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["name"] in ONLY_TESTED_WITH:
            continue
        texts = [found.read_text(encoding="utf-8") for found in sorted(path.parent.glob("LICEN[CS]E*"))]
        head = f"{about['name']} {about['version']} ({about.get('license', 'see its text')})"
        parts.append("\n\n".join([head, "-" * len(head), *(text.strip() for text in texts)]))
    return "\n\n\n".join(parts) + "\n"


def collect() -> dict[str, bytes]:
    """File name -> bytes of everything that the page loads, and the licences."""
    dist = MODULES / "@getodk" / "web-forms" / "dist"
    entry = (dist / "index.js").read_text(encoding="utf-8")
    # The entry script is the style sheet and a re-export: without the sheet nothing but the re-export is left of it.
    exports = entry[entry.rindex("\nimport ") :].lstrip()
    files = {
        "web-forms.js": exports.encode(),
        "web-forms.css": style_sheet(entry).encode(),
        "vue.js": (MODULES / "vue" / "dist" / "vue.runtime.esm-browser.prod.js").read_bytes(),
        "LICENSES.txt": licences().encode(),
    }
    files |= {path.name: path.read_bytes() for path in sorted(dist.glob("*-*.js"))}
    return files


def build() -> None:
    """Fetch the packages, check them against the lock's hashes (npm does), and write the files."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(NO_NPM)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=WEB, check=False).returncode:
        raise SystemExit("npm could not fetch ODK Web Forms: see its message above. Then: make web")
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    names = {}
    for name, data in collect().items():
        (TARGET / name).write_bytes(data)
        (TARGET / f"{name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        names[name] = hashlib.sha256(data).hexdigest()
    DESK.mkdir(parents=True, exist_ok=True)
    for name in ("dist/htmx.min.js", "LICENSE"):
        shutil.copyfile(MODULES / "htmx.org" / name, DESK / Path(name).name)
    STAMP.write_text(json.dumps({"made_from": wanted(), "files": names}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if is_fresh():
        sys.exit(0)
    if "--check" in sys.argv:
        sys.exit(1)
    print("== ODK Web Forms for the form in a browser", flush=True)
    build()
