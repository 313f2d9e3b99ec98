"""Exports of 18,000 interviews with 54,000 rows of a repeat, from a running server: seconds, CPU and ratio to Central.

    .venv/bin/python benchmarks/bench_exports.py [INTERVIEWS] [RUNS] [--data FOLDER]

The form has 80 questions of the usual kinds, 8 of them in a repeat answered three times, about 3.8 kB of XML an
interview; the store is SQLite. The server is a process of its own, the client takes its share of the same cores: the
CPU seconds, user and system, are the server's alone. "first" is right after another interview arrived, so that nothing
of an earlier answer can be used again; "again" is the median of the requests after it. With `--data` the store is kept
there and used again.
Rival: ODK Central v2026.2.2 on two cores, by our own measurement of November 2026 with 18,020 interviews and 54,060
rows. Targets: csv.zip 1.5 s, the whole table by OData 3 s, first page and one row of the repeat 50 ms.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from phones import ROOT, Server, machine

FORM = "bench"
WORDS = ("familia", "arrienda", "pieza", "pasaje", "Los Aromos", "contrato", "declara", "problemas", "cédula", "«sin»")
KINDS = ("select_one", "integer", "select_one", "text", "select_one", "date", "select_one", "text")
TIMES = ("start", "end", "today")


@dataclass(frozen=True)
class Case:
    """A request: what Central takes for it, and the target, both in seconds."""

    name: str
    path: str
    central: float | None
    target: float | None


TABLE = f"/projects/1/forms/{FORM}.svc"
CASES = (
    Case("csv.zip, all tables", f"/projects/1/forms/{FORM}/submissions.csv.zip", 10.6, 1.5),
    Case("OData, whole, $expand=*", f"{TABLE}/Submissions?$expand=*", 14.3, 3.0),
    Case("OData, whole, main table", f"{TABLE}/Submissions", None, None),
    Case("OData, whole, repeat", f"{TABLE}/Submissions.member", None, None),
    Case("OData, first page of 250", f"{TABLE}/Submissions?$top=250", None, 0.05),
    Case("  with $expand=*, $count", f"{TABLE}/Submissions?$top=250&$expand=*&$count=true", None, 0.05),
    Case("OData, repeat, $top=1", f"{TABLE}/Submissions.member?$top=1", 1.56, 0.05),
    Case("OData, $filter on a question", f"{TABLE}/Submissions?$top=250&$filter=s1/answer_17 ge 50", None, None),
    Case("OData, latest 18 by date", f"{TABLE}/Submissions?$orderby=__system/submissionDate desc&$top=18", None, None),
)
PAGES = 29.3
"""Central's seconds for the whole table with its repeats in pages of 250."""


def form_text() -> str:
    """The form, as a workbook in Markdown."""
    lines = [f"| | {kind} | {kind} | | |" for kind in TIMES]
    number = 0
    for section in range(7):
        lines.append(f"| | begin group | s{section} | S | |")
        for _ in range(10):
            kind = KINDS[number % len(KINDS)]
            kind = "geopoint" if number == 5 else "select_multiple c" if number % 30 == 14 else kind
            lines.append(f"| | {kind.replace('_one', '_one c')} | answer_{number} | Q{number} | |")
            number += 1
        lines.append("| | end group | | | |")
    lines.append("| | begin repeat | member | M | |")
    lines += [f"| | {KINDS[n].replace('_one', '_one c')} | member_{n} | M{n} | |" for n in range(8)]
    lines.append("| | end repeat | | | |")
    choices = "\n".join(f"| | c | {name} | {name} |" for name in ("si", "no", "ns_nr", "otra", "ninguna"))
    return (
        "| survey |\n| | type | name | label | personal |\n" + "\n".join(lines) + "\n| choices |\n"
        f"| | list_name | name | label |\n{choices}\n| settings |\n| | form_id | version |\n| | {FORM} | 1 |\n"
    )


def answer(number: int, kind: str, rng: random.Random) -> str:
    """One answer."""
    if number == 5:
        return f"-33.{rng.randint(340_000, 380_000)} -70.{rng.randint(700_000, 760_000)} 0 4.5"
    if number % 30 == 14:
        return " ".join(rng.sample(("si", "no", "ns_nr", "otra"), rng.randint(1, 3)))
    if kind == "select_one":
        return rng.choice(("si", "no", "ns_nr", "otra", "ninguna"))
    if kind == "integer":
        return str(rng.choice((rng.randint(0, 99), rng.randint(1990, 2026), rng.randint(100, 900) * 1000)))
    if kind == "date":
        return f"2026-11-{rng.randint(1, 28):02}"
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 7)))


def submission(number: int) -> bytes:
    """One interview."""
    rng = random.Random(number)  # noqa: S311  the same interviews at every run
    times = f"<start>2026-11-{1 + number % 28:02}T09:00:00.000-03:00</start>"
    times += f"<end>2026-11-{1 + number % 28:02}T09:40:00.000-03:00</end><today>2026-11-{1 + number % 28:02}</today>"
    sections = ""
    for section in range(7):
        inner = (
            f"<answer_{n}>{answer(n, KINDS[n % len(KINDS)], rng)}</answer_{n}>"
            for n in range(section * 10, section * 10 + 10)
        )
        sections += f"<s{section}>{''.join(inner)}</s{section}>"
    for _ in range(3):
        people = "".join(f"<member_{n}>{answer(100 + n, KINDS[n], rng)}</member_{n}>" for n in range(8))
        sections += f"<member>{people}</member>"
    return (
        f'<data id="{FORM}" version="1" xmlns:orx="http://openrosa.org/xforms">{times}{sections}'
        f"<orx:meta><orx:instanceID>uuid:{number:036}</orx:instanceID></orx:meta></data>"
    ).encode()


def fill(data: Path, interviews: int) -> None:
    """A store with the form and so many interviews, read into tables; a statistician."""
    from flows.ingesting import ingest
    from flows.registering import add_form
    from store.arrivals import NewSubmission, add_submissions
    from store.open import open_store

    data.mkdir(parents=True, exist_ok=True)
    form = data / "bench.md"
    form.write_text(form_text(), encoding="utf-8")
    with open_store(data) as store:
        add_form(store, form)
        for start in range(0, interviews, 256):
            now = datetime.now(UTC)
            rows = [
                NewSubmission(
                    form_id=FORM, version="1", instance_id=f"uuid:{n:036}", xml=submission(n), received_at=now
                )
                for n in range(start, min(start + 256, interviews))
            ]
            with store.begin() as connection:
                add_submissions(connection, store.blobs, rows)
        report = ingest(store, FORM)
        print(f"{report.read:,} interviews stored and read, about {len(submission(1)):,} bytes each; {machine()}")


def cpu_seconds(pid: int) -> float:
    """What a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(pid: int, act: Callable[[], int]) -> tuple[float, float, int]:
    """Seconds, the server's CPU seconds, and bytes."""
    gc.collect()
    before, started = cpu_seconds(pid), time.perf_counter()
    size = act()
    return time.perf_counter() - started, cpu_seconds(pid) - before, size


def get(client: httpx.Client, path: str) -> int:
    """The size of an answer, which isn't kept."""
    with client.stream("GET", path) as response:
        if response.status_code != 200:
            raise SystemExit(f"{path}: {response.status_code} {response.read()[:500]!r}")
        return sum(len(piece) for piece in response.iter_raw())


def get_pages(client: httpx.Client) -> int:
    """The whole table with its repeats, page by page."""
    path, size = f"{TABLE}/Submissions?$expand=*&$top=250", 0
    while path:
        response = client.get(path).raise_for_status()
        size += len(response.content)
        path = response.json().get("@odata.nextLink", "")
    return size


def send(client: httpx.Client, number: int) -> None:
    """One interview more, so that whatever was made of the tables before is out of date."""
    headers = {"Content-Type": "application/xml"}
    client.post(f"/projects/1/forms/{FORM}/submissions", content=submission(number), headers=headers).raise_for_status()


def measure(client: httpx.Client, pid: int, runs: int, number: int) -> None:
    """All cases, printed."""
    get(client, f"{TABLE}/Submissions?$top=1")
    print("                                 first: s (CPU)   again: s (CPU)       MB  Central, times faster     target")
    for case in CASES:
        number += 1
        send(client, number)
        first = timed(pid, lambda case=case: get(client, case.path))  # type: ignore[misc]
        again = [timed(pid, lambda case=case: get(client, case.path)) for _ in range(runs)]  # type: ignore[misc]
        show(case.name, first, again, case.central, case.target)
    show("OData, $expand=* in pages", None, [timed(pid, lambda: get_pages(client))], PAGES, None)


Timed = tuple[float, float, int]


def show(name: str, first: Timed | None, again: list[Timed], central: float | None, target: float | None) -> None:
    """One line of figures."""
    seconds, cpu = (statistics.median(run[part] for run in again) for part in (0, 1))
    told = f"{first[0]:8.3f} ({first[1]:5.2f})" if first else " " * 16
    line = f"{name:30} {told} {seconds:8.3f} ({cpu:5.2f}) {again[0][2] / 1e6:8.1f}"
    if central:
        line += f"  {central:6.2f} s  {central / (first[0] if first else seconds):6.1f} x"
    else:
        line += " " * 20
    print(line + (f"  {target:8.2f} s" if target else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interviews", nargs="?", type=int, default=18_000)
    parser.add_argument("runs", nargs="?", type=int, default=3)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, {machine()}")
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or Path(folder) / "data"
        if not (data / "comunal.db").exists():
            fill(data, args.interviews)
        from store.open import open_store
        from store.people import add_person

        with open_store(data) as store, store.begin() as connection:
            name = f"bench-{time.time_ns()}@example.org"
            key = add_person(connection, name, "statistician").key
        server = Server(data, None, Path(folder) / "server.log")
        server.start()
        try:
            base = f"http://127.0.0.1:{server.port}/v1"
            client = httpx.Client(base_url=base, trust_env=False, timeout=120)
            token = client.post("/sessions", json={"email": name, "password": key}).raise_for_status().json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            measure(client, server.pid, args.runs, time.time_ns() // 1_000_000)
            print(f"the server holds {server.resident_kilobytes() / 1024:,.0f} MiB; {machine()}")
        finally:
            server.stop()


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
