"""The signed checkpoints: never ahead of the log, and nobody but the vault can make one or leave one out."""

import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chain import NOW, Chain, edited
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alleviate.terms.errors import AuditError
from alleviate.vault.audit import AuditEvent
from alleviate.vault.canonical import canonical
from alleviate.vault.checkpoints import Checkpoints, Head, folder_for

READ = AuditEvent("me", "read", "care", "p1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def chain(tmp_path: Path, folder: Path) -> Chain:
    """30 events, signed after 5, 10, …, 30; after 10, 20 and 30 in the history."""
    chain = Chain.begun(str(tmp_path / "log.db"), folder)
    for _ in range(6):
        chain.add(*[READ] * 5)
    return chain


def cut(chain: Chain, size: int) -> None:
    rows = chain.rows()[:size]
    with chain.writing() as connection:
        chain.unprotect(connection)
        chain.put(connection, rows)


def test_the_folder_holds_the_head_the_history_and_the_signer(chain: Chain, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["head.json", "history.jsonl", "signer.pem"]
    assert folder.stat().st_mode & 0o777 == 0o700
    signed = chain.log.checkpoints.all()
    assert [each.size for each in signed] == [10, 20, 30, 30]
    assert [each.head for each in signed[:3]] == [chain.rows()[size - 1][2].hex() for size in (10, 20, 30)]
    assert chain.log.checkpoints.latest() == signed[-1]


def test_a_signature_can_be_checked_without_alleviate(chain: Chain, folder: Path, tmp_path: Path) -> None:
    said = json.loads((folder / "head.json").read_bytes())
    (tmp_path / "signature").write_bytes(bytes.fromhex(said.pop("signature")))
    text = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    (tmp_path / "said").write_bytes(b"alleviate checkpoint 1\0" + text)
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder / "signer.pem", "-rawin"]
    files = ["-in", tmp_path / "said", "-sigfile", tmp_path / "signature"]
    done = subprocess.run([*check, *files], capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done.stderr


def test_a_log_is_begun_once(chain: Chain, folder: Path) -> None:
    before = (folder / "head.json").read_bytes()
    with pytest.raises(AuditError, match="is not empty: another log has its checkpoints there"):
        chain.log.begin(NOW)
    assert (folder / "head.json").read_bytes() == before


def test_the_head_is_renewed_at_every_commit_so_that_the_last_event_counts(chain: Chain) -> None:
    chain.add(READ)
    cut(chain, 30)
    with pytest.raises(AuditError, match=r"the log ends at 30, but the checkpoint signed on .* saw 31"):
        chain.verify()


def test_a_head_that_is_behind_is_no_breach(chain: Chain) -> None:
    """Killed between the commit and the checkpoint."""
    with chain.writing() as connection:
        chain.log.append(connection, [READ] * 7, NOW)
    assert chain.verify().size == 37
    chain.add(READ)
    assert chain.log.checkpoints.latest().size == 38


def test_an_older_state_never_replaces_a_newer(chain: Chain, folder: Path) -> None:
    before = (folder / "head.json").read_bytes()
    chain.log.seal(Head(12, bytes(32), NOW))
    chain.log.seal(Head(30, bytes(32), NOW))
    assert (folder / "head.json").read_bytes() == before


def test_of_many_that_seal_at_once_the_longest_log_stays(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    Checkpoints(folder, key, 10).start(NOW)

    def seal(size: int) -> None:
        Checkpoints(folder, key, 10).seal(Head(size, size.to_bytes(32, "big"), NOW))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(seal, [(i * 37) % 101 for i in range(101)]))
    signed = Checkpoints(folder, key, 10).all()
    assert signed[-1].size == 100
    sizes = [each.size for each in signed]
    assert sizes == sorted(sizes)


def test_a_history_of_1000_events_is_one_state_by_default(folder: Path) -> None:
    checkpoints = Checkpoints(folder, Ed25519PrivateKey.generate())
    checkpoints.start(NOW)
    for size in range(100, 3100, 100):
        checkpoints.seal(Head(size, bytes(32), NOW))
    assert [each.size for each in checkpoints.all()] == [1000, 2000, 3000, 3000]


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        lines = (folder / "history.jsonl").read_bytes().splitlines(keepends=True)
        lines[number] = change(lines[number])
        (folder / "history.jsonl").write_bytes(b"".join(lines))

    return tamper


def head(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (
        (folder / "head.json").write_bytes(change((folder / "head.json").read_bytes())) and None
    )


def forged(raw: bytes) -> bytes:
    """By somebody with a key of their own."""
    said = {**json.loads(raw), "size": 29}
    del said["signature"]
    signature = Ed25519PrivateKey.generate().sign(b"alleviate checkpoint 1\0" + canonical(said))
    return canonical({**said, "signature": signature.hex()})


def exchanged(folder: Path) -> None:
    first, second, *rest = (folder / "history.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "history.jsonl").write_bytes(b"".join([second, first, *rest]))


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no head": lambda folder: (folder / "head.json").unlink(),
    "no history": lambda folder: (folder / "history.jsonl").unlink(),
    "empty head": head(lambda raw: b""),
    "another size": head(lambda raw: edited(raw, size=29)),
    "another time": head(lambda raw: edited(raw, time="2024-05-06T09:00:01+00:00")),
    "another field": head(lambda raw: edited(raw, more=1)),
    "spaces": head(lambda raw: raw.replace(b",", b", ")),
    "a key of one's own": head(forged),
    "a line as head": lambda folder: head(
        lambda raw: (folder / "history.jsonl").read_bytes().splitlines()[0].replace(b"10", b"30")
    )(folder),
    "no signature": head(lambda raw: edited(raw, signature="")),
    "empty history": lambda folder: (folder / "history.jsonl").write_bytes(b""),
    "the first line gone": line(0, lambda raw: b""),
    "a line in the middle gone": line(1, lambda raw: b""),
    "the last line gone": line(2, lambda raw: b""),
    "the last line torn": line(2, lambda raw: raw[:-5]),
    "a line twice": line(1, lambda raw: raw + raw),
    "lines exchanged": exchanged,
    "a forged line": line(1, lambda raw: forged(raw) + b"\n"),
    "another byte": line(0, lambda raw: raw.replace(b'"size":10', b'"size":11')),
    "a line of rubbish": line(2, lambda raw: raw + b"rubbish\n"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_change_to_the_folder_is_found(chain: Chain, folder: Path, name: str) -> None:
    TAMPERINGS[name](folder)
    with pytest.raises(AuditError) as caught:
        chain.verify()
    assert str(folder) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["no folder", "no head", "another size", "a key of one's own", "the last line gone"]
)
def test_nothing_is_added_while_the_last_state_is_in_doubt(chain: Chain, folder: Path, name: str) -> None:
    TAMPERINGS[name](folder)
    with pytest.raises(AuditError):
        chain.add(READ)
    assert len(chain.rows()) == 30


def test_an_older_head_does_not_hide_what_the_history_saw(chain: Chain, folder: Path) -> None:
    """The head of 15 events put back, and the log cut to 15: the history says 20 and 30."""
    older = Checkpoints(folder, chain.log.checkpoints._key, 10)
    lines = (folder / "history.jsonl").read_bytes().splitlines(keepends=True)
    link = chain.rows()[14][2]
    previous = older.all()[1].previous
    (folder / "head.json").write_bytes(older._signed(Head(15, link, NOW), len(lines[0]), previous))
    cut(chain, 15)
    with pytest.raises(AuditError, match=r"the log ends at 15, but the checkpoint signed on .* saw 20"):
        chain.verify()
    with pytest.raises(AuditError, match="saw 30"):
        chain.add(READ)


def test_killed_between_history_and_head_it_goes_on_from_the_history(chain: Chain, folder: Path) -> None:
    before = (folder / "head.json").read_bytes()
    chain.add(*[READ] * 10)
    (folder / "head.json").write_bytes(before)
    assert chain.log.checkpoints.latest().size == 40
    assert chain.verify().checkpoints == 5
    chain.add(*[READ] * 10)
    assert [each.size for each in chain.log.checkpoints.all()] == [10, 20, 30, 40, 50, 50]


def test_half_a_line_of_one_that_was_killed_is_written_over(chain: Chain, folder: Path) -> None:
    with (folder / "history.jsonl").open("ab") as file:
        file.write(b'{"head":"12')
    assert chain.verify().size == 30
    chain.add(*[READ] * 10)
    assert [each.size for each in chain.log.checkpoints.all()] == [10, 20, 30, 40, 40]


def restored(chain: Chain, size: int) -> int:
    """As from a backup of ``size`` events."""
    cut(chain, size)
    with chain.writing() as connection:
        lost = chain.log.adopt(connection, NOW)
        head = chain.log.append(
            connection, [AuditEvent("me", "restore", "rights", detail={"lost": lost})], NOW
        )
    chain.log.seal(head)
    return lost


def test_a_log_that_was_restored_says_how_much_is_lost_and_goes_on(chain: Chain, folder: Path) -> None:
    before = (folder / "head.json").read_bytes()
    assert restored(chain, 22) == 8
    assert chain.verify().size == 23
    assert [each.size for each in chain.log.checkpoints.all()] == [23]
    (kept,) = (path for path in folder.parent.iterdir() if path.name.startswith("checkpoints."))
    assert (kept / "head.json").read_bytes() == before, "who checks later finds what was signed"
    chain.add(*[READ] * 20)
    assert chain.verify().size == 43


def test_at_a_new_place_a_restored_log_starts_with_new_checkpoints(chain: Chain, folder: Path) -> None:
    shutil.rmtree(folder)
    assert restored(chain, 30) == 0
    assert chain.verify().size == 31


def test_a_restored_log_that_is_broken_or_finds_anothers_checkpoints_is_not_signed(
    chain: Chain, folder: Path, tmp_path: Path
) -> None:
    rows = chain.rows()
    with chain.writing() as connection:
        chain.unprotect(connection)
        chain.put(connection, [*rows[:4], *rows[5:]])
    with pytest.raises(AuditError, match="event 5 of 29 is missing"), chain.writing() as connection:
        chain.log.adopt(connection, NOW)
    other = Checkpoints(folder, Ed25519PrivateKey.generate())
    with pytest.raises(AuditError, match="or is another vault's"):
        other.adopt(Head(3, bytes(32), NOW))
    assert chain.log.checkpoints.latest().size == 30


def test_a_folder_that_cannot_be_written_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "folder", Ed25519PrivateKey.generate())
    with pytest.raises(AuditError, match=r"checkpoints cannot be written to .*folder"):
        checkpoints.start(NOW)


def test_a_history_that_cannot_be_written_is_told(chain: Chain, folder: Path) -> None:
    (folder / "head.draft").mkdir()
    with pytest.raises(AuditError, match="checkpoints cannot be written"):
        chain.add(READ)
    (folder / "head.draft").rmdir()
    chain.add(READ)
    assert chain.verify().size == 32


def test_the_folder_lies_beside_the_file_or_under_the_home_or_where_one_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ALLEVIATE_CHECKPOINTS", raising=False)
    assert folder_for(tmp_path / "vault.db") == tmp_path / "vault.db.checkpoints"
    assert folder_for(str(tmp_path / "vault.db")) == tmp_path / "vault.db.checkpoints"
    places = [
        folder_for(url)
        for url in (
            "postgresql://me:secret@clinic/records",
            "postgresql://clinic:5432/records",
            "postgres://other/records",
            "postgresql://clinic/else",
            "postgresql:///records?host=/run/clinic",
        )
    ]
    assert places[0] == places[1], "who asks makes no difference"
    assert len(set(places)) == 4
    assert {place.parent for place in places} == {tmp_path / "home" / "checkpoints"}
    assert "secret" not in str(places[0])
    monkeypatch.setenv("ALLEVIATE_CHECKPOINTS", str(tmp_path / "elsewhere"))
    assert folder_for("postgresql://clinic/records") == tmp_path / "elsewhere"
