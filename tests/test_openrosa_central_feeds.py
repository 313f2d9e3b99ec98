"""What ruODK, Power BI and Excel ask for, request by request as they send it, and what they need in the answers.

ruODK's requests and the parts of answers that it takes out are those of its sources (odata_submission_get, form_list,
project_list, form_schema, submission_list, submission_export, attachment_get). Power Query's are those that OData.Feed
makes: service document, $metadata, then tables with what was folded into the address.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from lxml import etree

from tests.central_server import Central, register, running

F = "/projects/1/forms/visita"
SVC = f"{F}.svc"
RUODK = {"User-Agent": "libcurl/8.5.0 r-curl/6.0.1 httr/1.4.7", "Accept": "application/json"}
FEED = {
    "User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
    "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    "Accept-Encoding": "gzip, deflate",
    "OData-MaxVersion": "4.0",
    "MaxDataServiceVersion": "3.0",
}
pytestmark = pytest.mark.slow


def submission(number: int) -> str:
    people = "".join(f"<persona><edad>{number + age}</edad></persona>" for age in range(number % 3))
    return (
        f'<data id="visita" version="1"><hogar><dormitorios>{number}</dormitorios><vivienda>1</vivienda></hogar>'
        f"<jefe>Rosa Secreta</jefe><plaza>-33.3{number} -70.7 480 5</plaza><llegada>2026-11-{number + 1:02}</llegada>"
        f"<usos>1 2</usos><foto>f{number}.jpg</foto>{people}<meta><instanceID>uuid:{number:02}"
        "</instanceID></meta></data>"
    )


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with running(tmp_path_factory.mktemp("central") / "data") as found:
        register(found.store)
        with found.client() as client:
            for number in range(6):
                sent = client.post(
                    f"{F}/submissions", content=submission(number), headers={"Content-Type": "application/xml"}
                )
                assert sent.status_code == 200, sent.text
        yield found


def asking(central: Central, headers: dict[str, str]) -> httpx.Client:
    """A client with name and key at every request, as all of these send them."""
    base = f"{central.url}/v1"
    return httpx.Client(base_url=base, headers=headers, auth=(central.name, central.key), trust_env=False, timeout=60)


@pytest.fixture
def ruodk(central: Central) -> Iterator[httpx.Client]:
    with asking(central, RUODK) as found:
        yield found


@pytest.fixture
def feed(central: Central) -> Iterator[httpx.Client]:
    with asking(central, FEED) as found:
        yield found


def get(client: httpx.Client, path: str, **headers: str) -> Any:  # noqa: ANN401  JSON
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?$skip=&$top=&$count=false&$wkt=false", 6),
        ("?$filter=&$expand=&$orderby=&$select=&$skiptoken=", 6),
        ("?%24count=true&%24wkt=true&%24skip=1&%24top=2", 2),
        ("?%24count=false&%24wkt=false&%24expand=%2A", 6),
        ("?%24count=false&%24wkt=false&%24filter=year%28__system%2FsubmissionDate%29%20eq%202026", 6),
        ("?%24count=false&%24wkt=false&%24filter=hogar%2Fdormitorios%20gt%203", 2),
    ],
)
def test_ruodk_gets_submissions(ruodk: httpx.Client, query: str, rows: int) -> None:
    found = get(ruodk, f"{SVC}/Submissions{query}")
    assert len(found["value"]) == rows
    assert {"__id", "__system", "hogar"} <= set(found["value"][0])


def test_ruodk_finds_the_keys_of_lists_with_their_types(ruodk: httpx.Client) -> None:
    extended = {"Accept": "application/xml", "X-Extended-Metadata": "true"}
    (project,) = get(ruodk, "/projects", **extended)
    assert {name: type(project[name]) for name in ("id", "name", "forms", "appUsers")} == {
        "id": int, "name": str, "forms": int, "appUsers": int,
    }  # fmt: skip
    (form,) = get(ruodk, "/projects/1/forms", **extended)
    assert (form["name"], form["xmlFormId"], form["state"], form["submissions"]) == ("Visita", "visita", "open", 6)
    assert isinstance(form["createdBy"]["id"], int)
    assert isinstance(form["createdBy"]["displayName"], str)
    assert {"version", "createdAt", "publishedAt", "lastSubmission", "hash"} <= set(form)
    sent = get(ruodk, f"{F}/submissions", **{"X-Extended-Metadata": "true"})
    assert len(sent) == 6
    assert all(isinstance(one["submitter"]["displayName"], str) for one in sent)
    assert {"instanceId", "submitterId", "createdAt", "updatedAt", "reviewState"} <= set(sent[0])


def test_ruodk_reads_schema_and_tables(ruodk: httpx.Client) -> None:
    fields = get(ruodk, f"{F}/fields?flatten=FALSE&odata=FALSE")
    assert {(field["path"], field["type"]) for field in fields} >= {
        ("/hogar", "structure"), ("/hogar/dormitorios", "int"), ("/plaza", "geopoint"), ("/persona", "repeat"),
        ("/foto", "binary"),
    }  # fmt: skip
    assert {"name", "url", "kind"} == set(get(ruodk, SVC)["value"][0])
    assert ruodk.get(f"{F}.xml", headers={"Accept": "application/xml"}).content.startswith(b"<")


def test_ruodk_exports_with_and_without_repeats(ruodk: httpx.Client) -> None:
    assert get(ruodk, f"{F}/submissions/keys") == []
    for query in ("", "?attachments=false"):
        packed = ruodk.post(f"{F}/submissions.csv.zip{query}")
        with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
            assert archive.namelist() == ["visita.csv", "visita-persona.csv"]
    main = ruodk.post(f"{F}/submissions.csv")
    assert main.status_code == 200
    assert len(list(csv.reader(io.StringIO(main.text)))) == 7


def test_ruodk_downloads_files_by_encoded_ids(central: Central, ruodk: httpx.Client) -> None:
    with central.client() as sender:
        sent = sender.post(f"{F}/submissions/uuid%3A03/attachments/f3.jpg", content=b"photo")
        assert sent.status_code == 200, sent.text
    (file,) = (one for one in get(ruodk, f"{F}/submissions/uuid%3A03/attachments") if one["exists"])
    assert file["name"] == "f3.jpg"
    assert ruodk.get(f"{F}/submissions/uuid%3A03/attachments/f3.jpg").content == b"photo"


def test_a_feed_finds_service_types_and_tables(feed: httpx.Client) -> None:
    for root in (SVC, f"{SVC}/"):
        response = feed.get(root)
        assert response.headers["odata-version"] == "4.0"
        assert response.headers["content-type"].startswith("application/json")
    found = response.json()
    types = feed.get(found["@odata.context"].partition("/v1")[2], headers={"Accept": "application/xml"})
    assert types.headers["content-type"].startswith("application/xml")
    assert types.headers["odata-version"] == "4.0"
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    root_element = etree.fromstring(types.content)
    sets = {element.get("Name"): element.get("EntityType") for element in root_element.iter(f"{edm}EntitySet")}
    assert list(sets) == [table["url"] for table in found["value"]]
    for name in sets:
        page = feed.get(f"{SVC}/{name}")
        assert "odata.metadata=minimal" in page.headers["content-type"]
        assert page.json()["@odata.context"].endswith(f"$metadata#{name}")


def test_every_property_of_a_feed_is_of_its_told_type(feed: httpx.Client) -> None:
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    root = etree.fromstring(feed.get(f"{SVC}/$metadata").content)
    kinds = {"Edm.String": str, "Edm.Int64": int, "Edm.Double": float, "Edm.Date": str, "Edm.DateTimeOffset": str}
    complex_types = {
        f"{schema.get('Namespace')}.{element.get('Name')}": element
        for schema in root.iter(f"{edm}Schema")
        for element in schema.iter(f"{edm}ComplexType", f"{edm}EntityType")
    }

    def check(row: dict[str, Any], element: etree._Element) -> None:
        told = {str(part.get("Name")): str(part.get("Type")) for part in element.iter(f"{edm}Property")}
        assert {name for name in row if "@" not in name} <= set(told)
        for name, kind in told.items():
            if kind in complex_types:
                check(row[name], complex_types[kind])
            elif row.get(name) is not None and kind in kinds:
                assert isinstance(row[name], kinds[kind]), (name, kind, row[name])

    for entity in root.iter(f"{edm}EntitySet"):
        for row in feed.get(f"{SVC}/{entity.get('Name')}").json()["value"]:
            check(row, complex_types[str(entity.get("EntityType"))])


@pytest.mark.parametrize(
    ("folded", "rows"),
    [
        ("?$top=1000", 6),
        ("?$top=0", 0),
        ("?$select=__id,hogar&$top=1000", 6),
        ("?$orderby=llegada desc,__id&$top=3", 3),
        ("?$filter=hogar/dormitorios ge 2 and llegada lt 2026-11-05&$select=__id", 2),
        ("?$filter=__system/submissionDate ge 2020-01-01T00:00:00%2B00:00", 6),
        ("?$filter=hogar/vivienda eq '1' or hogar/vivienda eq null&$count=true&$top=2", 2),
        ("?$skip=4", 2),
    ],
)
def test_what_a_feed_folds_into_the_address_is_answered(feed: httpx.Client, folded: str, rows: int) -> None:
    for query in (folded, "?" + quote(folded[1:], safe="&=%"), folded.replace(" ", "+")):
        found = feed.get(f"{SVC}/Submissions{query}")
        assert found.status_code == 200, found.text
        assert len(found.json()["value"]) == rows


@pytest.mark.parametrize(("address", "count"), [
    ("Submissions/$count", "6"), ("Submissions.persona/%24count", "6"),
    ("Submissions/$count?$filter=hogar/dormitorios ge 2", "4"), ("Submissions('uuid:02')/persona/$count", "2"),
])  # fmt: skip
def test_rows_are_counted_without_being_sent(feed: httpx.Client, address: str, count: str) -> None:
    found = feed.get(f"{SVC}/{address}")
    assert (found.status_code, found.text) == (200, count)
    assert found.headers["content-type"].startswith("text/plain")


def test_a_feed_follows_links_until_it_has_every_row(feed: httpx.Client) -> None:
    path, seen = f"{SVC}/Submissions", []
    while path:
        response = feed.get(path, headers={"Prefer": "odata.maxpagesize=4"})
        assert response.headers["preference-applied"] == "odata.maxpagesize=4"
        seen += [row["__id"] for row in response.json()["value"]]
        path = response.json().get("@odata.nextLink", "")
    assert seen == [f"uuid:0{number}" for number in reversed(range(6))]
