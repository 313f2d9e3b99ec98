"""ODK Validate, the program with Collect's own engine, run over an XForm."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyxform.validators.odk_validate import ODK_VALIDATE_PATH

TIMEOUT_SECONDS: Final = 100
INSTALL: Final = "Install Java: apt-get install default-jre-headless"

_JAVA = re.compile(
    r"^\s*(?:at |\.\.\. \d+ more|Caused by:)|\.java:\d+|^>> |^\s*$|^Result: |^The following files failed"
)
_EXCEPTION = re.compile(r"^(?:[a-z]+\.)+[A-Za-z]+(?:Exception|Error):?\s*")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ODK Validate said.

    Attributes:
        status: "valid", "invalid" (it can't be read), "broken" (it is read, and evaluating it fails), "no_java" or
            "timeout".
        message: its complaint without Java's stack, "" if it has none.
    """

    status: str
    message: str = ""


def validate_xform(xform: bytes, java: str | None = None) -> Verdict:
    """Run ODK Validate over an XForm: about a second.

    Args:
        xform: the XForm's bytes.
        java: path of the Java program, null to look for it.
    """
    program = java or shutil.which("java")
    if program is None or not Path(program).is_file():
        return Verdict("no_java")
    with tempfile.TemporaryDirectory(prefix="comunal-") as folder:
        path = Path(folder) / "form.xml"
        path.write_bytes(xform)
        # Few threads and no tiered compilation's second level: the run is short.
        command = [program, "-Xss4m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true"]
        try:
            done = subprocess.run(
                [*command, "-jar", ODK_VALIDATE_PATH, str(path)],
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Verdict("timeout")
        except OSError:
            return Verdict("no_java")
    output = done.stderr.decode("utf-8", "replace").replace(str(path), "form.xml")
    if done.returncode == 0:
        return Verdict("valid", clean_message(output))
    return Verdict("broken" if "Something broke" in output else "invalid", clean_message(output))


def clean_message(text: str) -> str:
    """Sentences of the output: without stack, class names and repetitions."""
    lines = [_EXCEPTION.sub("", line).strip() for line in text.splitlines() if not _JAVA.search(line)]
    return " ".join(dict.fromkeys(line for line in lines if line))
