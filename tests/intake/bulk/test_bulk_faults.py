"""What goes wrong between a server's export and our folder, each shown by a real HTTP server."""

import fcntl
import gzip
import json
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic

import pytest
from bulk_stand_in import QUICK, Answer, StandIn, as_json, lines

from alleviate.intake.bulk import Credentials, Limits, fetch
from alleviate.intake.reading import Caution
from alleviate.terms.errors import DataError, InputError

STATUS = "/fhir/status/1"
BUSY = Answer(429, headers={"Retry-After": "0"})


def test_the_files_come_whole_for_the_owner_only_patients_first(server: StandIn, tmp_path: Path) -> None:
    server.offer(
        {
            "Observation": [Answer(body=lines("Observation", 3))],
            "Questionnaire": [Answer(body=lines("Questionnaire", 1))],
            "Patient": [Answer(body=lines("Patient", 2))],
        }
    )
    files = fetch(server.base, tmp_path / "new" / "folder", limits=QUICK)
    assert [file.name for file in files] == [
        "0000-Patient.ndjson",
        "0001-Questionnaire.ndjson",
        "0002-Observation.ndjson",
    ]
    assert files[2].read_bytes() == lines("Observation", 3)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700
    assert [asked.method for asked in server.of(STATUS)] == ["GET", "DELETE"]


def test_a_second_call_asks_for_nothing(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 2))]})
    first = fetch(server.base, tmp_path, limits=QUICK)
    server.asked.clear()
    assert fetch(server.base, tmp_path, limits=QUICK) == first
    assert server.asked == []


def test_an_interrupted_export_goes_on_where_it_was(server: StandIn, tmp_path: Path) -> None:
    server.offer(
        {
            "Patient": [Answer(body=lines("Patient", 2))],
            "Observation": [Answer(500), Answer(body=lines("Observation", 5))],
        }
    )
    with pytest.raises(DataError, match=r"0001-Observation.ndjson: 500"):
        fetch(server.base, tmp_path, limits=QUICK)
    left = tmp_path / ".unfinished-of-a-killed-run"
    left.touch()
    files = fetch(server.base, tmp_path, limits=QUICK)
    assert [file.read_bytes().count(b"\n") for file in files] == [2, 5]
    assert len(server.of("/fhir/$export")) == len(server.of("/fhir/files/Patient")) == 1
    assert not left.exists()


def test_while_the_server_prepares_its_progress_is_told(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]})
    prepared = server.answers[STATUS]
    in_a_moment = format_datetime(datetime.now(UTC) - timedelta(seconds=1), usegmt=True)
    server.answers[STATUS] = [
        Answer(202, headers={"X-Progress": "12 %", "Retry-After": "0"}),
        Answer(202, headers={"X-Progress": "70 %", "Retry-After": in_a_moment}),
        Answer(202, headers={"Retry-After": "soon"}),
        Answer(202),
        *prepared,
    ]
    told: list[tuple[int, int, str]] = []
    fetch(server.base, tmp_path, limits=QUICK, progress=lambda *what: told.append(what))
    words = [what for _, _, what in told]
    assert "The server is preparing: 12 %" in words
    assert "The server is preparing: 70 %" in words
    assert told[-1] == (0, 1, "Fetching 0000-Patient.ndjson")


@pytest.mark.parametrize("path", ["/fhir/$export", STATUS, "/fhir/files/Patient"])
def test_a_busy_server_is_asked_again(server: StandIn, tmp_path: Path, path: str) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]})
    server.answers[path] = [BUSY, Answer(503), BUSY, Answer(504), BUSY, BUSY, *server.answers[path]]
    assert len(fetch(server.base, tmp_path, limits=QUICK)) == 1


def test_a_server_that_stays_busy_is_given_up(server: StandIn, tmp_path: Path) -> None:
    server.offer({})
    server.answers["/fhir/$export"] = [Answer(503)]
    with pytest.raises(InputError, match="does not start an export: 503"):
        fetch(server.base, tmp_path, limits=QUICK)
    assert len(server.asked) == QUICK.failures


def test_the_total_time_bounds_every_wait(server: StandIn, tmp_path: Path) -> None:
    server.offer({})
    server.answers[STATUS] = [Answer(202, headers={"Retry-After": "100000"})]
    started = monotonic()
    with pytest.raises(InputError, match=r"not ready within 0\.3 s"):
        fetch(server.base, tmp_path, limits=replace(QUICK, total=0.3, longest_wait=10))
    assert monotonic() - started < 5
    with pytest.raises(InputError, match=r"not ready within 0\.3 s"):
        fetch(server.base, tmp_path, limits=replace(QUICK, total=0.3))
    assert len(server.of("/fhir/$export")) == 1  # the server's work is not asked for twice


def test_a_cut_line_is_fetched_again(server: StandIn, tmp_path: Path) -> None:
    body = lines("Patient", 1000)
    server.offer({"Patient": [Answer(body=body, cut=700), Answer(body=body)]})
    (file,) = fetch(server.base, tmp_path, limits=QUICK)
    assert file.read_bytes() == body


@pytest.mark.parametrize("cut", [0, 100])
def test_a_line_that_is_always_cut_leaves_no_file(server: StandIn, tmp_path: Path, cut: int) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1000), cut=cut)]})
    with pytest.raises(DataError, match=r"0000-Patient.ndjson does not come whole"):
        fetch(server.base, tmp_path, limits=QUICK)
    assert [path.name for path in tmp_path.iterdir()] == [".export"]


def test_fewer_lines_than_the_manifest_promises_are_no_file(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 4))]})
    manifest = json.loads(server.answers[STATUS][0].body)
    manifest["output"][0]["count"] = 5
    server.answers[STATUS] = [as_json(manifest)]
    with pytest.raises(DataError, match="promises 5 resources, 4 came"):
        fetch(server.base, tmp_path, limits=QUICK)
    server.answers["/fhir/files/Patient"] = [
        Answer(body=b"\n".join([lines("Patient", 5).strip(), b" ", b""]))
    ]
    (file,) = fetch(server.base, tmp_path, limits=QUICK)
    assert file.exists()


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(lines("Patient", 3000)),
        gzip.compress(lines("Patient", 1000))
        + gzip.compress(lines("Patient", 3000)[len(lines("Patient", 1000)) :]),
    ],
    ids=["one member", "two members"],
)
@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/gzip"}])
def test_gzip_is_unpacked(server: StandIn, tmp_path: Path, packed: bytes, headers: dict[str, str]) -> None:
    server.offer({"Patient": [Answer(body=packed, headers=headers)]})
    (file,) = fetch(server.base, tmp_path, limits=QUICK)
    assert file.read_bytes() == lines("Patient", 3000)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:20] + b"\xff" * 8 + data[28:]])
def test_damaged_gzip_is_no_file(server: StandIn, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    server.offer({"Patient": [Answer(body=damage(gzip.compress(lines("Patient", 300))))]})
    with pytest.raises(DataError, match="does not come whole: its gzip"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_a_bomb_is_cut_off(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(body=gzip.compress(b"{" + b" " * 50_000_000))]})
    with pytest.raises(DataError, match="larger than 1,000,000 bytes"):
        fetch(server.base, tmp_path, limits=replace(QUICK, file_size=1_000_000))


def test_an_empty_file_is_a_file(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer()]})
    (file,) = fetch(server.base, tmp_path, limits=QUICK)
    assert file.read_bytes() == b""


def test_a_page_of_login_is_no_file(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(body=b"<html>", headers={"Content-Type": "text/html"})]})
    with pytest.raises(DataError, match="expected NDJSON, got text/html"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_files_that_have_expired_say_so(server: StandIn, tmp_path: Path) -> None:
    server.offer({"Patient": [Answer(410)]})
    with pytest.raises(DataError, match="410 Gone") as refused:
        fetch(server.base, tmp_path, limits=QUICK)
    assert "expired" in refused.value.hint


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        (b"<html>", "expected JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `transactionTime`"),
        (b'{"transactionTime":"x","requiresAccessToken":false,"output":[{"type":"Patient"}]}', "field `url`"),
        (
            b'{"transactionTime":"x","requiresAccessToken":false,"output":[{"type":"../x","url":"/"}]}',
            "type '../x'",
        ),
        (b"1" * 3000, "larger than 2,000 bytes"),
    ],
)
def test_a_broken_manifest_is_refused(
    server: StandIn, tmp_path: Path, manifest: bytes, complaint: str
) -> None:
    server.offer({})
    server.answers[STATUS] = [Answer(body=manifest)]
    with pytest.raises(DataError) as refused:
        fetch(server.base, tmp_path, limits=replace(QUICK, answer_size=2000))
    assert complaint in refused.value.message
    assert "\n" not in str(refused.value)


def test_an_export_that_the_server_gives_up_says_why(server: StandIn, tmp_path: Path) -> None:
    server.offer({})
    server.answers[STATUS] = [
        as_json({"issue": [{"diagnostics": "disk\nfull"}, {"details": {"text": "call us"}}]}, 500)
    ]
    with pytest.raises(DataError, match="gave the export up: 500 Internal Server Error, disk full; call us"):
        fetch(server.base, tmp_path, limits=QUICK)


@pytest.mark.parametrize(
    "answer", [Answer(404), Answer(202), Answer(200, b"[1]"), Answer(400, b'{"issue":[1]}')]
)
def test_a_server_that_does_not_export_is_named(server: StandIn, tmp_path: Path, answer: Answer) -> None:
    server.answers["/fhir/$export"] = [answer]
    with pytest.raises(InputError, match=f"does not start an export: {answer.status}"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_what_the_server_could_not_export_and_what_it_deleted_is_told(
    server: StandIn, tmp_path: Path
) -> None:
    outcomes = [
        {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "diagnostics": "no notes"}]},
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]},
    ]
    deleted = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Patient/9"}}]}
    notes = [{"type": "OperationOutcome", "url": f"{server.base}/files/error"}]
    gone = [{"type": "Bundle", "url": f"{server.base}/files/deleted"}]
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]}, error=notes, deleted=gone)
    server.answers["/fhir/files/error"] = [
        Answer(body="\n".join([*map(json.dumps, outcomes), "", '{"issue": 3}']).encode())
    ]
    server.answers["/fhir/files/deleted"] = [as_json(deleted)]
    heard: list[Caution] = []
    files = fetch(server.base, tmp_path, limits=QUICK, caution=heard.append)
    assert [file.name for file in files] == ["0000-Patient.ndjson"]
    assert [(Path(c.file).name, c.line, c.field, c.reason) for c in heard] == [
        ("error-0000", 1, "OperationOutcome.issue", "The server says (warning): no notes"),
        ("error-0000", 2, "OperationOutcome.issue", "The server says (error): exception"),
        ("error-0000", 4, "", "A line of the server's report cannot be read."),
        (
            "deleted-0001",
            1,
            "Bundle.entry.request",
            "The server has deleted Patient/9; it stays here until it is withdrawn.",
        ),
    ]


# The token and who gets it


def test_a_token_is_fetched_once_and_sent_where_it_is_wanted(
    server: StandIn, tmp_path: Path, client: Credentials
) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]}, requiresAccessToken=True)
    server.with_smart("t1")
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert len(server.of("/token")) == 1
    for path in ("/fhir/$export", STATUS, "/fhir/files/Patient"):
        assert set(server.tokens_sent_to(path)) == {"Bearer t1"}
    assert b"t1" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_files_that_need_no_token_get_none(server: StandIn, tmp_path: Path, client: Credentials) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]}, requiresAccessToken=False)
    server.with_smart("t1")
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert server.tokens_sent_to("/fhir/files/Patient") == [None]


def test_a_refused_token_is_replaced_in_the_middle(
    server: StandIn, tmp_path: Path, client: Credentials
) -> None:
    body = lines("Patient", 1)
    server.offer({"Patient": [Answer(401), Answer(body=body)]}, requiresAccessToken=True)
    server.with_smart("t1", "t2")
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert server.tokens_sent_to("/fhir/files/Patient") == ["Bearer t1", "Bearer t2"]
    assertions = {asked.body for asked in server.of("/token")}
    assert len(assertions) == 2  # a server takes an assertion once


def test_a_token_that_stays_refused_ends_the_export(
    server: StandIn, tmp_path: Path, client: Credentials
) -> None:
    server.answers["/fhir/$export"] = [Answer(401)]
    server.with_smart("t1", "t2")
    with pytest.raises(InputError, match="does not start an export: 401 Unauthorized"):
        fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert server.tokens_sent_to("/fhir/$export") == ["Bearer t1", "Bearer t2"]


def test_a_token_is_renewed_before_it_ends(server: StandIn, tmp_path: Path, client: Credentials) -> None:
    server.offer({"Patient": [Answer(body=lines("Patient", 1))]}, requiresAccessToken=True)
    server.with_smart("t1", "t2", "t3", "t4", expires_in=0)
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert server.tokens_sent_to("/fhir/$export") == ["Bearer t1"]
    assert server.tokens_sent_to("/fhir/files/Patient") == ["Bearer t3"]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (
            as_json({"error": "invalid_client", "error_description": "who?"}, 401),
            "no token: 401 .*invalid_client who?",
        ),
        (as_json({"access_token": ""}), "holds no access_token"),
        (as_json({"access_token": "a\nb"}), "holds no access_token"),
        (as_json([]), "holds no access_token"),
        (Answer(302, headers={"Location": "/elsewhere"}), "no token: 302"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), "expected JSON, got text/html"),
    ],
)
def test_a_refused_or_strange_token_is_named(
    server: StandIn, tmp_path: Path, client: Credentials, answer: Answer, complaint: str
) -> None:
    server.with_smart("t1")
    server.answers["/token"] = [answer]
    with pytest.raises(InputError, match=complaint):
        fetch(server.base, tmp_path, credentials=client, limits=QUICK)


def test_a_server_without_smart_configuration_needs_a_token_url(
    server: StandIn, tmp_path: Path, client: Credentials
) -> None:
    with pytest.raises(InputError, match=r"names no token_endpoint \(answer 404\)"):
        fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    server.offer({})
    server.answers["/own"] = [as_json({"access_token": "t9", "expires_in": None})]
    told = replace(client, token_url=server.base.removesuffix("/fhir") + "/own")
    assert fetch(server.base, tmp_path, credentials=told, limits=QUICK) == []
    assert server.tokens_sent_to("/fhir/$export") == ["Bearer t9"]


def test_a_redirect_within_the_server_keeps_the_token(
    server: StandIn, tmp_path: Path, client: Credentials
) -> None:
    server.offer({"Patient": [Answer(307, headers={"Location": "/moved"})]}, requiresAccessToken=True)
    server.answers["/moved"] = [Answer(body=lines("Patient", 1))]
    server.with_smart("t1")
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert server.tokens_sent_to("/moved") == ["Bearer t1"]


def test_a_redirect_to_another_origin_loses_the_token(
    server: StandIn, elsewhere: StandIn, tmp_path: Path, client: Credentials
) -> None:
    there = Answer(302, headers={"Location": f"{elsewhere.base}/signed"})
    server.offer({"Patient": [there]}, requiresAccessToken=True)
    elsewhere.answers["/fhir/signed"] = [Answer(body=lines("Patient", 1))]
    server.with_smart("t1")
    fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert elsewhere.tokens_sent_to("/fhir/signed") == [None]


def test_a_manifest_cannot_send_the_token_to_another_origin(
    server: StandIn, elsewhere: StandIn, tmp_path: Path, client: Credentials
) -> None:
    file = {"type": "Patient", "url": f"{elsewhere.base}/files/Patient"}
    server.offer({}, requiresAccessToken=True, output=[file])
    elsewhere.answers["/fhir/files/Patient"] = [Answer(body=lines("Patient", 1))]
    server.with_smart("t1")
    with pytest.raises(InputError, match="wants our token sent to another server"):
        fetch(server.base, tmp_path, credentials=client, limits=QUICK)
    assert elsewhere.asked == []
    trusting = replace(client, origins=(elsewhere.base.removesuffix("/fhir"),))
    fetch(server.base, tmp_path, credentials=trusting, limits=QUICK)
    assert elsewhere.tokens_sent_to("/fhir/files/Patient") == ["Bearer t1"]


def test_redirects_in_a_circle_end(server: StandIn, tmp_path: Path) -> None:
    server.answers["/fhir/$export"] = [Answer(301, headers={"Location": "/fhir/$export"})]
    with pytest.raises(DataError, match="leads on more than 5 times"):
        fetch(server.base, tmp_path, limits=QUICK)


# Addresses, requests, folders


@pytest.mark.parametrize(
    "address",
    [
        "http://records.example/fhir",
        "ftp://127.0.0.1/fhir",
        "records.example",
        "https://me:pw@records.example/fhir",
    ],
)
def test_records_travel_encrypted_only(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="Expected an address with https") as refused:
        fetch(address, tmp_path)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("address", ["https://a\x00b/", "http://127.0.0.1:none/"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="Not an address"):
        fetch(address, tmp_path)


def test_a_server_cannot_lead_to_plain_http(server: StandIn, tmp_path: Path) -> None:
    server.answers["/fhir/$export"] = [Answer(302, headers={"Location": "http://records.example/"})]
    with pytest.raises(InputError, match="Expected an address with https"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_a_server_that_is_not_there_is_named(server: StandIn, tmp_path: Path) -> None:
    server.close()
    with pytest.raises(InputError, match=r"/fhir/\$export cannot be reached: .*refused"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/fhir"
        with pytest.raises(InputError, match="cannot be reached: no answer in time"):
            fetch(address, tmp_path, limits=Limits(failures=1, silence=0.1))


@pytest.mark.parametrize(
    ("asked", "path", "query"),
    [
        ({"level": "patient"}, "/fhir/Patient/$export", ""),
        ({"group": "g-1"}, "/fhir/Group/g-1/$export", ""),
        ({"types": ["Patient", "Observation"]}, "/fhir/$export", "_type=Patient%2CObservation"),
        ({"since": datetime(2024, 5, 6, tzinfo=UTC)}, "/fhir/$export", "_since=2024-05-06T00%3A00%3A00Z"),
    ],
)
def test_what_is_asked_for(
    server: StandIn, tmp_path: Path, asked: dict[str, object], path: str, query: str
) -> None:
    server.offer({})
    server.answers[path] = server.answers["/fhir/$export"]
    assert fetch(server.base, tmp_path, limits=QUICK, **asked) == []  # type: ignore[arg-type]
    assert server.asked[0].headers["prefer"] == "respond-async"
    assert server.asked[0].path == path
    assert query in json.loads((tmp_path / ".export/state").read_bytes())["request"]


@pytest.mark.parametrize("group", ["", "a/b", "a?b", "ä"])
def test_a_group_is_an_id(tmp_path: Path, group: str) -> None:
    with pytest.raises(InputError, match="Not the id of a Group"):
        fetch("https://records.example/fhir", tmp_path, group=group)


def test_a_folder_belongs_to_one_export(server: StandIn, tmp_path: Path) -> None:
    server.offer({})
    fetch(server.base, tmp_path, limits=QUICK)
    with pytest.raises(InputError, match="holds another export"):
        fetch(server.base, tmp_path, types=["Patient"], limits=QUICK)
    (tmp_path / ".export" / "state").write_text("{")
    with pytest.raises(DataError, match="state is damaged"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_a_folder_with_other_things_is_left_alone(server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match="is not empty, and holds no export"):
        fetch(server.base, tmp_path, limits=QUICK)


def test_two_at_once_do_not_share_a_folder(server: StandIn, tmp_path: Path) -> None:
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(InputError, match="Another export is being fetched"):
        fetch(server.base, tmp_path, limits=QUICK)
    os.close(held)


def test_a_folder_that_is_a_file_is_refused(server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        fetch(server.base, tmp_path / "file", limits=QUICK)
