"""Tables as Excel, Power BI and scripts read them: service document, types, paging, filters, expansion, exports."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lxml import etree

from tests.central_server import Central, register, running

F = "/projects/1/forms/visita"
SVC = f"{F}.svc"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
COUNT = 12
pytestmark = pytest.mark.slow


def submission(number: int) -> str:
    people = "".join(
        f"<persona><edad>{number + age}</edad><nombre>Rosa Secreta</nombre></persona>" for age in range(number % 3)
    )
    return (
        f'<data id="visita" version="1"><hogar><dormitorios>{number}</dormitorios><vivienda>{1 + number % 2}</vivienda>'
        f"</hogar><jefe>Rosa Secreta</jefe><plaza>-33.3{number} -70.7 480 5</plaza><puerta>-33.111 -70.222 0 0</puerta>"
        f"<llegada>2026-11-{number + 1:02}</llegada><renta>{number}.5</renta><usos>1 2</usos><foto>f{number}.jpg</foto>"
        f"{people}<meta><instanceID>uuid:{number:02}</instanceID></meta></data>"
    )


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with running(tmp_path_factory.mktemp("central") / "data") as found:
        register(found.store)
        with found.client() as client:
            for number in range(COUNT):
                sent = client.post(
                    f"{F}/submissions", content=submission(number), headers={"Content-Type": "application/xml"}
                )
                assert sent.status_code == 200, sent.text
        yield found


@pytest.fixture
def client(central: Central) -> Iterator[httpx.Client]:
    with central.client() as found:
        yield found


def table(client: httpx.Client, name: str, **query: str) -> dict[str, Any]:
    response = client.get(f"{SVC}/{name}", params={f"${key}": value for key, value in query.items()})
    assert response.status_code == 200, response.text
    assert response.headers["odata-version"] == "4.0"
    found: dict[str, Any] = response.json()
    return found


def numbers(found: dict[str, Any]) -> list[int]:
    return [row["hogar"]["dormitorios"] for row in found["value"]]


def test_the_service_document_names_the_tables(client: httpx.Client) -> None:
    found = client.get(SVC).json()
    assert [(item["name"], item["kind"]) for item in found["value"]] == [
        ("Submissions", "EntitySet"),
        ("Submissions.persona", "EntitySet"),
    ]
    assert found["@odata.context"].endswith("/v1/projects/1/forms/visita.svc/$metadata")


def test_types_are_told_and_fit_the_rows(client: httpx.Client) -> None:
    response = client.get(f"{SVC}/$metadata")
    root = etree.fromstring(response.content)
    types = {element.get("Name"): element for element in root.iter(f"{EDM}EntityType", f"{EDM}ComplexType")}
    assert list(types)[:2] == ["metadata", "Submissions"]
    told = {item.get("Name"): item.get("Type") for item in types["Submissions"].iter(f"{EDM}Property")}
    assert told["llegada"] == "Edm.Date"
    assert told["renta"] == "Edm.Double"
    assert told["plaza"] == "Edm.GeographyPoint"
    assert told["hogar"] == "org.opendatakit.user.visita.Submissions.hogar"
    row = table(client, "Submissions", top="1")["value"][0]
    assert {key for key in row if "@" not in key} == {*told}
    links = [item.get("Name") for item in types["Submissions"].iter(f"{EDM}NavigationProperty")]
    assert [f"{name}@odata.navigationLink" for name in links] == [key for key in row if "@" in key]
    sets = [item.get("EntityType") for item in root.iter(f"{EDM}EntitySet")]
    assert sets == ["org.opendatakit.user.visita.Submissions", "org.opendatakit.user.visita.Submissions.persona"]


def test_rows_are_typed_nested_and_latest_first(client: httpx.Client) -> None:
    found = table(client, "Submissions")
    assert numbers(found) == list(range(COUNT))[::-1]
    row = found["value"][-1]
    assert row["__id"] == "uuid:00"
    assert row["llegada"] == "2026-11-01"
    assert row["renta"] == 0.5
    assert row["plaza"] == {"type": "Point", "coordinates": [-70.7, -33.3, 480.0], "properties": {"accuracy": 5.0}}
    assert row["__system"]["submitterName"] == "ana@example.org"
    assert (row["__system"]["attachmentsExpected"], row["__system"]["attachmentsPresent"]) == (1, 0)
    assert row["__system"]["status"] == "missingAttachments"
    assert "nextLink" not in str(found)


def test_pages_that_the_server_drives_hold_every_row_once(central: Central, client: httpx.Client) -> None:
    """As Power BI reads: a preferred page size, then each next link as it came."""
    seen: list[int] = []
    url: str | None = f"{central.url}/v1{SVC}/Submissions?$filter=hogar/dormitorios ne 5&$count=true"
    pages = 0
    while url:
        response = client.get(url, headers={"Prefer": "odata.maxpagesize=4", "OData-MaxVersion": "4.0"})
        assert response.headers["preference-applied"] == "odata.maxpagesize=4"
        assert response.json()["@odata.count"] == COUNT - 1
        seen += numbers(response.json())
        url = response.json().get("@odata.nextLink")
        pages += 1
    assert seen == [number for number in range(COUNT)[::-1] if number != 5]
    assert pages == 3


def test_top_and_skip_give_a_link_to_the_rest_as_central_does(client: httpx.Client) -> None:
    found = table(client, "Submissions", top="3", skip="2", select="hogar/dormitorios")
    assert numbers(found) == [9, 8, 7]
    rest = client.get(found["@odata.nextLink"])
    assert numbers(rest.json()) == [6, 5, 4]
    assert "skip=" not in found["@odata.nextLink"]
    assert "@odata.nextLink" not in table(client, "Submissions", top="3", skip="9")


def test_a_page_token_that_isnt_ours_is_refused(client: httpx.Client) -> None:
    for token in ("x", "e30=", "eyJhZnRlciI6ICJub2JvZHkifQ=="):
        response = client.get(f"{SVC}/Submissions", params={"$skiptoken": token})
        assert response.status_code == 400, token


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hogar/dormitorios ge 10", [11, 10]),
        ("hogar/vivienda eq '1' and renta lt 4", [2, 0]),
        ("llegada gt 2026-11-10 and contains(foto, '11')", [11]),
        ("year(__system/submissionDate) ge 2020 and __system/submitterId eq 1 and hogar/dormitorios eq 3", [3]),
        ("__system/reviewState eq null and __id eq 'uuid:07'", [7]),
        ("__system/submissionDate gt now()", []),
    ],
)
def test_filters_reach_every_question(client: httpx.Client, text: str, kept: list[int]) -> None:
    assert numbers(table(client, "Submissions", filter=text, count="true")) == kept


def test_rows_are_ordered_as_asked(client: httpx.Client) -> None:
    assert numbers(table(client, "Submissions", orderby="hogar/vivienda desc,renta asc", top="3")) == [1, 3, 5]
    assert numbers(table(client, "Submissions", orderby="__id", top="2")) == [0, 1]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"filter": "jefe eq 'x'"}, 400, "no property 'jefe'"),
        ({"filter": "hogar/dormitorios eq"}, 400, "character 21"),
        ({"orderby": "jefe"}, 400, "no property 'jefe'"),
        ({"select": "puerta"}, 400, "no property 'puerta'"),
        ({"top": "-1"}, 400, "whole number"),
        ({"expand": "persona"}, 501, "$expand=*"),
        ({"apply": "x"}, 501, "$apply"),
    ],
)
def test_what_isnt_there_is_refused_with_a_reason(
    client: httpx.Client, query: dict[str, str], status: int, says: str
) -> None:
    response = client.get(f"{SVC}/Submissions", params={f"${key}": value for key, value in query.items()})
    assert response.status_code == status
    assert says in response.json()["message"]
    assert int(response.json()["code"]) == status


def test_repeats_are_tables_and_may_be_filtered_by_their_interview(client: httpx.Client) -> None:
    found = table(client, "Submissions.persona", count="true")
    assert found["@odata.count"] == 12
    assert found["value"][0] == {"__id": "uuid:11/persona[1]", "__Submissions-id": "uuid:11", "edad": 11}
    few = table(client, "Submissions.persona", filter="$root/Submissions/__id eq 'uuid:05' and edad gt 5")
    assert few["value"] == [{"__id": "uuid:05/persona[2]", "__Submissions-id": "uuid:05", "edad": 6}]


def test_one_interview_and_its_rows_have_addresses(client: httpx.Client) -> None:
    row = table(client, "Submissions('uuid:05')")["value"][0]
    assert row["hogar"]["dormitorios"] == 5
    below = table(client, row["persona@odata.navigationLink"])
    assert [person["edad"] for person in below["value"]] == [5, 6]
    assert client.get(f"{SVC}/Submissions('uuid:nobody')").status_code == 404
    assert client.get(f"{SVC}/Submissions('x").status_code == 404
    assert client.get(f"{SVC}/Nothing").json()["details"]["expected"] == ["Submissions", "Submissions.persona"]


def test_expansion_puts_the_rows_of_repeats_into_their_interviews(client: httpx.Client) -> None:
    found = table(client, "Submissions", expand="*", wkt="true", top="4")
    assert [[person["edad"] for person in row["persona"]] for row in found["value"]] == [[11, 12], [10], [], [8, 9]]
    assert found["value"][0]["plaza"] == "POINT (-70.7 -33.311 480.0)"


def test_csv_has_a_file_a_repeat_with_the_keys_that_tie_them(client: httpx.Client) -> None:
    response = client.get(f"{F}/submissions.csv.zip", params={"splitSelectMultiples": "true"})
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        files = {name: list(csv.DictReader(io.StringIO(archive.read(name).decode()))) for name in archive.namelist()}
    assert set(files) == {"visita.csv", "visita-persona.csv"}
    main = files["visita.csv"][0]
    assert (main["KEY"], main["hogar-dormitorios"], main["plaza-Latitude"]) == ("uuid:11", "11", "-33.311")
    assert (main["usos"], main["usos/1"], main["SubmitterID"], main["FormVersion"]) == ("1 2", "1", "1", "1")
    keys = {row["KEY"] for row in files["visita.csv"]}
    assert {row["PARENT_KEY"] for row in files["visita-persona.csv"]} <= keys
    assert "Secreta" not in str(files)
    few = client.get(f"{F}/submissions.csv", params={"$filter": "hogar/dormitorios lt 2", "groupPaths": "false"})
    assert [row["dormitorios"] for row in csv.DictReader(io.StringIO(few.text))] == ["1", "0"]


def test_geojson_has_the_first_position_that_isnt_personal(client: httpx.Client) -> None:
    found = client.get(f"{F}/submissions.geojson").json()
    assert found["type"] == "FeatureCollection"
    assert len(found["features"]) == COUNT
    assert found["features"][0]["id"] == "uuid:11"
    assert found["features"][0]["properties"] == {"fieldpath": "plaza"}
    assert "-33.111" not in str(found)


def test_excel_reads_with_a_name_and_key_and_is_invited_to(central: Central) -> None:
    with httpx.Client(base_url=f"{central.url}/v1", trust_env=False) as guest:
        refused = guest.get(SVC)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert refused.json()["code"] == 401.2
        assert guest.get(SVC, auth=(central.name, central.key)).status_code == 200
        assert guest.get(SVC, auth=(central.name, "wrong")).status_code == 401
        assert guest.get(SVC, auth=("someone", central.key)).status_code == 401


def test_the_api_is_described_and_its_page_asks_no_other_host(central: Central) -> None:
    with httpx.Client(base_url=central.url, trust_env=False) as guest:
        found = guest.get("/docs/openapi.json").json()
        page = guest.get("/docs")
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": central.url}]
    assert set(found["paths"]["/v1/projects/{project}/forms"]) == {"get", "post"}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            named = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
            assert named == {piece.partition("}")[0] for piece in path.split("{")[1:]}
    assert "src=" not in page.text
    assert "//" not in page.text.replace("<!doctype", "")
    assert "default-src 'none'" in page.headers["content-security-policy"]
