"""A step of building the wheel: without ODK Web Forms in it there is none."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebFormsHook(BuildHookInterface[Any]):
    """Stops a wheel whose files for the form in a browser are missing or older than their lock."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Check, before anything is packed. An editable install takes the files as they come."""
        if version == "editable":
            return
        build = runpy.run_path(str(Path(self.root) / "web" / "build.py"))
        if not build["is_fresh"]():
            raise SystemExit(
                "The wheel would lack the form in a browser: openrosa/static/webforms/ is missing or older than "
                "web/package-lock.json. Run: make web (it needs Node's npm), then build again."
            )
