"""`comunal release profile`: a commune's profile as PDF, four pages, from a release that is out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import JsonOption, Output
from schemas.errors import CommandError

GROUP = "release"


def register(app: typer.Typer) -> None:
    """Adds the command to the group `release`, which is made if it isn't there."""
    group = next((one.typer_instance for one in app.registered_groups if one.name == GROUP), None)
    if group is None:
        group = typer.Typer(no_args_is_help=True, help="Releases.")
        app.add_typer(group, name=GROUP)
    group.command("profile")(print_profile)


def print_profile(
    release: Annotated[Path, typer.Argument(metavar="RELEASE_DIR", exists=True, help="Folder of a release.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.pdf", help="Where to write it.")],
    commune: Annotated[
        str, typer.Option("--commune", metavar="CUT", help="One commune of several (default: the whole survey).")
    ] = "",
    language: Annotated[str, typer.Option("--language", metavar="LANG", help="es, ht or en.")] = "es",
    json_lines: JsonOption = False,
) -> None:
    """Print the profile for a mayor: main figures, every topic, map, method and limits on four A4 pages.

    Of a release over more than twenty communes only the survey's own profile is printed with it; those of the communes
    are printed by this when they are wanted. Reads the release's site and nothing else. Needs Chromium or Chrome.
    """
    from flows.printing import print_pdf

    page = find_profile(release, commune, language)
    printed = print_pdf(page.read_text(encoding="utf-8"))
    out.write_bytes(printed)
    told = {"page": str(page), "file": str(out), "bytes": len(printed)}
    Output(json_lines).record(told, f"{out}, from {page}")


def find_profile(release: Path, commune: str, language: str) -> Path:
    """The page of a profile within a release's site.

    Raises:
        CommandError: CMD-156, the release has no such profile.
    """
    below = f"comunas/{commune}/perfil.html" if commune else "perfil.html"
    for path in (release / "site" / language / below, release / "site" / below):
        if path.is_file() and f'<html lang="{language}"' in path.read_text(encoding="utf-8")[:200]:
            return path
    communes = sorted(path.name for path in (release / "site" / "comunas").glob("*") if path.is_dir())
    told = f"It has those of {', '.join(communes[:5])} …" if communes else "It is of one commune: leave out --commune."
    raise CommandError(
        "CMD-156",
        f"{release} has no profile of {commune or 'the survey'} in '{language}'.",
        f"{told} Languages: es, ht, en.",
    )
