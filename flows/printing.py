"""Pages as PDF, through the browser that is installed: nothing else prints HTML and CSS as people see them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from schemas.errors import CommandError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
BROWSER_VARIABLE = "COMUNAL_BROWSER"
SECONDS = 120.0

_QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)


def find_browser() -> Path:
    """The program that prints: COMUNAL_BROWSER, else the first of `BROWSERS` on the path.

    Raises:
        CommandError: CMD-071, there is none.
    """
    named = os.environ.get(BROWSER_VARIABLE, "")
    for name in (named,) if named else BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    what = f"{BROWSER_VARIABLE} names no program that is there" if named else "No Chromium or Chrome is installed"
    advice = "Install Chromium, or write .html and print that with any browser."
    raise CommandError("CMD-071", f"{what}: PDF is printed by it.", advice)


def print_pdf(page: str) -> bytes:
    """The page as PDF, of the size that its own `@page` says.

    The page lies in a folder for its owner only while it is printed, and nowhere on a command line: it may hold keys.

    Raises:
        CommandError: CMD-071, no browser; CMD-072, the browser made no PDF.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="comunal-print-") as name:
        folder = Path(name)
        html, pdf = folder / "page.html", folder / "page.pdf"
        html.write_text(page, encoding="utf-8")
        # Browsers refuse to run as root unless they are told that nothing foreign is shown: the page is our own.
        flags = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        command = [
            str(browser),
            *flags,
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={pdf}",
            html.as_uri(),
        ]
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
        if not pdf.exists() or not pdf.stat().st_size:
            message = f"{browser.name} printed no PDF within {SECONDS:.0f} seconds."
            raise CommandError("CMD-072", message, "Write .html instead and print that with any browser.")
        return pdf.read_bytes()


def print_or_not(page: str) -> bytes | None:
    """The page as PDF, null on a machine without a browser or whose browser prints nothing."""
    try:
        return print_pdf(page)
    except CommandError:
        return None
