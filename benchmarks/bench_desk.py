"""How fast the desk answers with many findings: its queue under every filter, the page after, an interview, home.

    .venv/bin/python benchmarks/bench_desk.py [FINDINGS] [--postgres]

Findings of as many interviews as it takes, sent by 200 enumerators, a few accepted and sent back. The pages are asked
for in process, through the whole app. Target: 200 ms a page with a million findings. On a busy machine look at the
processor's time, PostgreSQL's in it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("tests", "benchmarks")]

from bench_findings import NOW, make  # noqa: E402
from decided_survey import FORM, add_people, make_survey  # noqa: E402
from desk_visitors import serve, visit  # noqa: E402
from postgres import Postgres  # noqa: E402
from sqlalchemy import insert, select  # noqa: E402

from schemas.decisions import Decision  # noqa: E402
from schemas.tables import findings, submissions  # noqa: E402
from store.decisions import add_decisions  # noqa: E402
from store.findings import put_findings  # noqa: E402
from store.open import Store, open_store  # noqa: E402
from store.people import Person, add_person  # noqa: E402

TIMES = 7
ENUMERATORS = 200
MARKED = 2_000


def fill(store: Store, wanted: int, who: Person) -> list[int]:
    """Store findings, interviews and some decisions; numbers of the enumerators."""
    rules = {f"constraint:/data/group/question_{rule:02}" for rule in range(60)}
    started = time.perf_counter()
    with store.begin() as connection:
        put_findings(connection, FORM, (replace(row, form_id=FORM) for row in make(wanted)), rules, NOW)
    print(f"{wanted} findings stored in {time.perf_counter() - started:.1f} s", flush=True)
    with store.begin() as connection:
        senders = [add_person(connection, f"enumerator {at}", "enumerator").id for at in range(ENUMERATORS)]
        known = connection.execute(select(submissions).limit(1)).mappings().one()
        names = list(connection.scalars(select(findings.c.instance_id).where(findings.c.form_id == FORM).distinct()))
        there = set(connection.scalars(select(submissions.c.instance_id)))
        same = {name: value for name, value in known.items() if name != "id"}
        rows = [
            same | {"instance_id": name, "person_id": senders[at * ENUMERATORS // len(names)]}
            for at, name in enumerate(sorted(names))
            if name and name not in there
        ]
        connection.execute(insert(submissions), rows)
    with store.read() as connection:
        query = select(findings.c.rule_id, findings.c.instance_id, findings.c.row_id).where(findings.c.form_id == FORM)
        some = connection.execute(query.limit(MARKED)).all()
    marks = [
        Decision(FORM, instance, "accept", "right", who.name, row_id=row, rule_id=rule, person_id=who.id)
        for rule, instance, row in some[: MARKED // 2]
    ]
    backs = dict.fromkeys(instance for _, instance, _ in some[MARKED // 2 :])
    marks += [Decision(FORM, instance, "send_back", "ask again", who.name, person_id=who.id) for instance in backs]
    with store.begin() as connection:
        add_decisions(connection, marks)
    print(f"{len(rows)} interviews of {ENUMERATORS} enumerators, {len(marks)} decisions", flush=True)
    return senders


def pages(store: Store, visitor: object, senders: list[int]) -> dict[str, str]:
    """What is asked for: name -> address."""
    queue = f"/s/{FORM}/findings"
    page = visitor.get(f"{queue}?severity=all")[1]  # type: ignore[attr-defined]
    following = re.search(r'rel="next" href="/desk([^"]+)"', page)
    assert following is not None
    rule, last = "constraint:/data/group/question_07", senders[-1]
    return {
        "home": "/",
        "gravest first": queue,
        **{severity: f"{queue}?severity={severity}" for severity in ("error", "warning", "info", "all")},
        "next page": following[1].replace("&amp;", "&"),
        "one rule": f"{queue}?rule={rule}",
        "rule, severity": f"{queue}?rule={rule}&severity=warning",
        "one question": f"{queue}?question=question_07",
        **{state: f"{queue}?state={state}" for state in ("accepted", "sent_back", "closed", "all")},
        "sender": f"{queue}?person={senders[0]}",
        "other sender": f"{queue}?person={last}",
        "sender, severity": f"{queue}?person={last}&severity=error",
        "sender, rule": f"{queue}?person={last}&rule={rule}",
        "sender, closed": f"{queue}?person={last}&state=closed",
        "sender, all": f"{queue}?person={last}&state=all&severity=all",
        "one interview": f"/s/{FORM}/interviews/uuid:child",
    }


def work_of(cluster: Postgres | None) -> float:
    """Seconds of the processor's that this process and a cluster's have taken."""
    ticks = 0
    if cluster is not None and cluster.process is not None:
        children = Path(f"/proc/{cluster.process.pid}/task/{cluster.process.pid}/children").read_text().split()
        for child in children:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def database(folder: Path, is_postgres: bool) -> Iterator[Postgres | None]:
    """A PostgreSQL of our own, null for SQLite."""
    if not is_postgres:
        yield None
        return
    folder.chmod(0o755)  # its user is another
    cluster = Postgres(folder / "postgres")
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own instead of SQLite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, database(Path(name), given.postgres) as cluster:
        folder = Path(name)
        with open_store(folder / "data", cluster and cluster.url) as store:
            make_survey(store, folder)
            person = add_people(store)["ana"]
            senders = fill(store, given.findings, person)
            visitor = visit(serve(store), store, person)
            for what, path in pages(store, visitor, senders).items():
                walls, work = [], []
                for _ in range(TIMES):
                    started, worked = time.perf_counter(), work_of(cluster)
                    status, _ = visitor.get(path)
                    walls.append(1000 * (time.perf_counter() - started))
                    work.append(1000 * (work_of(cluster) - worked))
                    assert status == 200, path
                figures = f"{statistics.median(walls):6.0f} ms median, {min(walls):6.0f} ms best"
                print(f"{what:16} {figures}, {statistics.mean(work):6.0f} ms of CPU", flush=True)


if __name__ == "__main__":
    main()
