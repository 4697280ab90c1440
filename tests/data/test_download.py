"""The download, against a real server with PhysioNet's layout that can fail in PhysioNet's ways."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import requests

from ecglib.data import download, mitbih, ptb
from ecglib.data.download import fetch_mitdb, fetch_ptbdb, fetch_ptbxl_records, fetch_ptbxl_tables
from ecglib.names import EcglibError


class Server(ThreadingHTTPServer):
    """Serves `files` below /files/ and `place`; the other attributes say what goes wrong, by file name."""

    daemon_threads = True

    def __init__(self, place: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.place = place
        self.files: dict[str, bytes] = {}
        self.cuts: Counter[str] = Counter()
        self.statuses: dict[str, list[int]] = {}
        self.wrong: set[str] = set()
        self.requests: list[str] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/files/"

    @property
    def base_url(self) -> str:
        return self.root + self.place


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix(f"/files/{self.server.place}")
        self.server.requests.append(name)
        if self.server.statuses.get(name):
            return self.send_error(self.server.statuses[name].pop(0))
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        if name in self.server.wrong:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cuts[name] > 0:
            self.server.cuts[name] -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *message: object) -> None:
        pass


@contextmanager
def serving(place: str, monkeypatch) -> Iterator[Server]:
    with Server(place) as server:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv("ECGLIB_PHYSIONET_URL", raising=False)
        monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(monkeypatch):
    """A server of three small records, which are the published ones as far as the code can see."""
    generator = np.random.default_rng(0)
    with serving("mitdb/1.0.0/", monkeypatch) as server:
        for name in ("100", "101", "102"):
            for end, size in (("dat", 300_000), ("hea", 150), ("atr", 4_000)):
                server.files[f"{name}.{end}"] = generator.bytes(size)
        publish(server.files, monkeypatch)
        yield server


PUBLISHED_SUMS = mitbih.published_sums()
PUBLISHED_PTB_SUMS = ptb.published_sums()
PTBDB_STEMS = ("patient001/s0010_re", "patient001/s0014lre", "patient002/s0015lre")
PTBXL_STEMS = ("records500/00000/00001_hr", "records500/00000/00002_hr", "records500/01000/01000_hr")


@pytest.fixture
def ptbdb(monkeypatch):
    """A mirror with PTB's layout and three small records."""
    others = {"RECORDS": "".join(f"{stem}\n" for stem in PTBDB_STEMS).encode(), "CONTROLS": b"patient002/s0015lre\n"}
    with mirror("ptbdb/1.0.0/", PTBDB_STEMS, ("dat", "hea", "xyz"), others, monkeypatch) as server:
        del server.files["SHA256SUMS.txt"]
        publish(without_xyz(server), monkeypatch, ptb)
        yield server


@pytest.fixture
def ptbxl(monkeypatch):
    """A mirror with PTB-XL's layout and three small records."""
    others = {"ptbxl_database.csv": b"ecg_id,patient_id\n1,15709.0\n", "scp_statements.csv": b",description\nNORM,x\n"}
    with mirror("ptb-xl/1.0.3/", PTBXL_STEMS, ("dat", "hea"), others, monkeypatch) as server:
        yield server


@contextmanager
def mirror(place: str, stems: tuple[str, ...], ends: tuple[str, ...], others: dict[str, bytes], monkeypatch):
    generator = np.random.default_rng(0)
    with serving(place, monkeypatch) as server:
        monkeypatch.setenv("ECGLIB_PHYSIONET_URL", server.root)
        server.files |= others
        for stem in stems:
            for end in ends:
                server.files[f"{stem}.{end}"] = generator.bytes(200 if end == "hea" else 100_000)
        list_sums(server)
        yield server


def list_sums(server: Server) -> None:
    """Let the server publish the sums of what it serves now."""
    server.files.pop("SHA256SUMS.txt", None)
    lines = [f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in server.files.items()]
    server.files["SHA256SUMS.txt"] = "".join(lines).encode()


def publish(files: dict[str, bytes], monkeypatch, module: ModuleType = mitbih) -> None:
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(module, "published_sums", lambda: sums)


def contents(folder: Path) -> dict[str, bytes]:
    """What the files below a folder hold, by path relative to it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(action, *parts: str) -> None:
    """`action` raises an EcglibError of one line that holds all of `parts`."""
    with pytest.raises(EcglibError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_all_files_are_fetched_once(server, tmp_path, capsys):
    folder = tmp_path / "raw" / "mitdb"
    assert fetch_mitdb(folder, server.base_url, progress=False) == folder
    assert contents(folder) == server.files
    assert sorted(server.requests) == sorted(server.files)
    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_standard_error(server, tmp_path, capsys):
    fetch_mitdb(tmp_path, server.base_url)
    captured = capsys.readouterr()
    assert captured.out == "" and "9/9" in captured.err


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "100.dat").write_bytes(server.files["100.dat"])
    (tmp_path / "101.hea").write_bytes(b"an older header")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files | {"notes.txt": b"mine"}
    assert "100.dat" not in server.requests and len(server.requests) == 8
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert len(server.requests) == 8


def test_base_url_needs_no_slash_at_its_end(server, tmp_path):
    fetch_mitdb(tmp_path, server.base_url.rstrip("/"), progress=False)
    assert contents(tmp_path) == server.files


@pytest.mark.parametrize("slash", ["", "/"])
def test_environment_names_a_mirror(slash, server, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_PHYSIONET_URL", server.root.rstrip("/") + slash)
    fetch_mitdb(tmp_path, progress=False)
    assert contents(tmp_path) == server.files


def test_passing_server_errors_are_outlasted(server, tmp_path):
    server.statuses = {"100.hea": [503, 500, 502], "101.atr": [429]}
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.requests.count("100.hea") == 4


def test_lasting_server_error(server, tmp_path):
    server.statuses = {"100.hea": [503] * 9}
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "100.hea: cannot be fetched (HTTP 503")
    assert server.requests.count("100.hea") == 4
    assert not (tmp_path / "100.hea").exists()


def test_cut_connection_is_tried_again(server, tmp_path):
    server.cuts["101.dat"] = 3
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.requests.count("101.dat") == 4


def test_connection_that_is_always_cut_leaves_no_half_file(server, tmp_path):
    server.cuts["101.dat"] = 4
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}101.dat: cannot be fetched (IncompleteRead(150000 bytes read, 150000 more expected))",
        "ECGLIB_DATA",
    )
    there = contents(tmp_path)
    assert "101.dat" not in there and all(server.files[name] == content for name, content in there.items())
    # what has come is not asked for again
    server.requests.clear()
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert not set(server.requests) & set(there)


def test_answer_that_is_far_too_large(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_MOST_BYTES", 200_000)
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), ".dat: larger than any file")
    assert not [name for name in contents(tmp_path) if name.endswith(".dat")]


def test_answer_without_an_end(server, tmp_path, monkeypatch):
    """A server need not say how much it sends; no more than the limit is taken, and nothing is left."""

    def pour(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        # it gives up at 50 MB, in case nobody hangs up
        for _ in range(50):
            handler.wfile.write(bytes(1 << 20))

    monkeypatch.setattr(download, "_MOST_BYTES", 200_000)
    monkeypatch.setattr(Handler, "do_GET", pour)
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "larger than any file")
    assert contents(tmp_path) == {}


def test_files_may_be_read_by_others_as_any_new_file(server, tmp_path):
    (tmp_path / "new").touch()
    fetch_mitdb(tmp_path / "mitdb", server.base_url, progress=False)
    assert (tmp_path / "mitdb" / "100.dat").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_file_that_the_server_lacks_is_asked_for_once(server, tmp_path):
    del server.files["102.atr"]
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}102.atr: HTTP 404",
        "ECGLIB_PHYSIONET_URL",
    )
    assert server.requests.count("102.atr") == 1


def test_wrong_byte_is_refused_and_what_was_there_stays(server, tmp_path):
    server.wrong = {"102.dat"}
    (tmp_path / "102.dat").write_bytes(b"an older file")
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}102.dat: differs from the published file (SHA-256)",
        "--raw",
    )
    assert (tmp_path / "102.dat").read_bytes() == b"an older file"
    # nor does any temporary file
    assert set(contents(tmp_path)) <= set(server.files)


def test_unreachable_host(server, tmp_path):
    server.shutdown()
    server.server_close()
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}10",
        "cannot be fetched",
        "refused",
        "ECGLIB_DATA",
        "--raw",
    )
    assert not list(tmp_path.iterdir())


def test_silent_server_times_out(server, tmp_path, monkeypatch):
    release = threading.Event()

    def wait(handler: Handler) -> None:
        handler.server.requests.append(handler.path)
        release.wait(30)

    monkeypatch.setattr(download, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(Handler, "do_GET", wait)
    try:
        refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "cannot be fetched", "timed out")
    finally:
        release.set()


def test_first_failure_ends_the_whole_download(server, tmp_path, monkeypatch):
    files = {f"{number}.hea": b"" for number in range(200)}
    publish(files, monkeypatch)
    server.files = {}
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "HTTP 404")
    # those that had begun by then
    assert 1 <= len(server.requests) <= 20


@pytest.mark.parametrize("address", ["physionet.org/files", "file:///etc/", "ftp://physionet.org/files"])
def test_address_that_is_none(address, server, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_PHYSIONET_URL", address)
    refused(lambda: fetch_mitdb(tmp_path, progress=False), "not a web address", "ECGLIB_PHYSIONET_URL")


def test_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("a file")
    refused(lambda: fetch_mitdb(tmp_path / "file" / "mitdb", server.base_url), "cannot be made")
    assert server.requests == []


def test_full_disk(server, tmp_path):
    """An error while writing is told as such, not taken for one of the network."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), ".dat: cannot be written", "too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # no second attempt would help
    assert max(Counter(server.requests).values()) == 1


def test_real_records(server, tmp_path, data_folder, monkeypatch):
    sums = {name: digest for name, digest in PUBLISHED_SUMS.items() if name[:3] in ("100", "207", "234")}
    assert len(sums) == 9
    monkeypatch.setattr(mitbih, "published_sums", lambda: sums)
    server.files = {name: (data_folder / "mitdb" / name).read_bytes() for name in sums}
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    mitbih.check_records(tmp_path)


def without_xyz(server: Server) -> dict[str, bytes]:
    """What a complete copy of PTB holds."""
    return {name: content for name, content in server.files.items() if name != "CONTROLS" and name[-4:] != ".xyz"}


def test_shipped_list_of_ptb_is_that_of_its_549_records(data_folder):
    sums = PUBLISHED_PTB_SUMS
    assert len(sums) == 2 * 549 + 1 and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in sums.values())
    assert {name[-4:] for name in sums if name != "RECORDS"} == {".dat", ".hea"}
    published = (data_folder / "ptbdb" / "PHYSIONET_SHA256SUMS.txt").read_text().splitlines()
    assert sums.items() <= {(name, digest) for digest, name in map(str.split, published)}


def test_ptbdb_is_fetched_once(ptbdb, tmp_path, capsys):
    folder = tmp_path / "raw" / "ptbdb"
    assert fetch_ptbdb(folder, progress=False) == folder
    assert contents(folder) == without_xyz(ptbdb)
    assert sorted(ptbdb.requests) == sorted(without_xyz(ptbdb))
    assert fetch_ptbdb(folder, progress=False) == folder
    assert len(ptbdb.requests) == 7
    assert capsys.readouterr() == ("", "")


def test_ptbxl_tables_and_chosen_records(ptbxl, tmp_path):
    tables = {"SHA256SUMS.txt", "ptbxl_database.csv", "scp_statements.csv"}
    assert fetch_ptbxl_tables(tmp_path, progress=False) == tmp_path
    assert contents(tmp_path) == {name: ptbxl.files[name] for name in tables}
    # a column of the table, with a record twice
    stems = pd.Series([PTBXL_STEMS[0], PTBXL_STEMS[2], PTBXL_STEMS[0]], index=[4, 5, 6])
    assert fetch_ptbxl_records(tmp_path, stems, progress=False) == tmp_path
    records = {f"{stem}.{end}" for stem in set(stems) for end in ("hea", "dat")}
    assert contents(tmp_path) == {name: ptbxl.files[name] for name in tables | records}
    assert sorted(ptbxl.requests) == sorted(tables | records)
    fetch_ptbxl_tables(tmp_path, progress=False)
    fetch_ptbxl_records(tmp_path, list(stems), progress=False)
    assert len(ptbxl.requests) == 7


def test_ptbxl_records_without_the_tables(ptbxl, tmp_path):
    fetch_ptbxl_records(tmp_path, (stem for stem in PTBXL_STEMS), progress=False)
    assert contents(tmp_path) == {n: c for n, c in ptbxl.files.items() if not n.endswith(".csv")}
    assert fetch_ptbxl_records(tmp_path / "none", [], progress=False) == tmp_path / "none"


@pytest.mark.parametrize("name", ["patient001/s0014lre.dat", "patient002/s0015lre.hea", "RECORDS"])
def test_altered_file_is_fetched_again(name, ptbdb, tmp_path):
    fetch_ptbdb(tmp_path, progress=False)
    (tmp_path / name).write_bytes(b"something else")
    fetch_ptbdb(tmp_path, progress=False)
    assert contents(tmp_path) == without_xyz(ptbdb)
    assert ptbdb.requests.count(name) == 2 and len(ptbdb.requests) == 8


def test_file_that_differs_from_its_listed_sum(ptbdb, tmp_path):
    name = "patient001/s0014lre.dat"
    ptbdb.wrong = {name}
    refused(
        lambda: fetch_ptbdb(tmp_path, progress=False),
        f"{ptbdb.base_url}{name}: differs from the published file (SHA-256)",
        "without SHA256SUMS.txt",
        "holds a copy of ptbdb, or --raw to that copy",
    )
    assert set(contents(tmp_path)) <= set(without_xyz(ptbdb)) - {name}
    ptbdb.wrong = set()
    fetch_ptbdb(tmp_path, progress=False)
    assert contents(tmp_path) == without_xyz(ptbdb)


def test_records_that_differ_from_their_listed_sum(ptbdb, tmp_path):
    ptbdb.wrong = {"RECORDS"}
    refused(lambda: fetch_ptbdb(tmp_path, progress=False), f"{ptbdb.base_url}RECORDS: differs from the published")
    assert "RECORDS" not in contents(tmp_path)


def test_wrong_list_of_sums_can_be_replaced(ptbxl, tmp_path):
    right = ptbxl.files["SHA256SUMS.txt"]
    ptbxl.files["SHA256SUMS.txt"] = re.sub(b"(?m)^[0-9a-f]{2}", b"00", right)
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), "differs", "without SHA256SUMS.txt", "copy of ptb-xl")
    ptbxl.files["SHA256SUMS.txt"] = right
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), "differs", "without SHA256SUMS.txt")
    (tmp_path / "SHA256SUMS.txt").unlink()
    fetch_ptbxl_tables(tmp_path, progress=False)
    assert contents(tmp_path) == {n: c for n, c in ptbxl.files.items() if "records" not in n}


def test_list_of_sums_that_is_always_cut_leaves_nothing(ptbxl, tmp_path):
    ptbxl.cuts["SHA256SUMS.txt"] = 4
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), "SHA256SUMS.txt: cannot be fetched (IncompleteRead")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["RECORDS", "patient002/s0015lre.hea"])
def test_ptbdb_file_that_the_server_lacks(name, ptbdb, tmp_path):
    del ptbdb.files[name]
    refused(
        lambda: fetch_ptbdb(tmp_path, progress=False),
        f"{ptbdb.base_url}{name}: HTTP 404",
        "ECGLIB_PHYSIONET_URL",
        "ptbdb",
    )
    assert ptbdb.requests.count(name) == 1
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_file_that_the_list_of_sums_lacks(name, ptbxl, tmp_path):
    lines = ptbxl.files["SHA256SUMS.txt"].splitlines(keepends=True)
    ptbxl.files["SHA256SUMS.txt"] = b"".join(line for line in lines if not line.endswith(f" {name}\n".encode()))
    expected = f"{tmp_path / 'SHA256SUMS.txt'}: lacks '{name}'"
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), expected, "delete it")
    assert set(contents(tmp_path)) == {"SHA256SUMS.txt"}


def test_record_that_ptbxl_does_not_have(ptbxl, tmp_path):
    stem = "records500/00000/00003_hr"
    refused(lambda: fetch_ptbxl_records(tmp_path, [stem], progress=False), f"lacks '{stem}.hea'", "copy of ptb-xl")


SUM = "0" * 64


@pytest.mark.parametrize(
    "line",
    [
        "<html>",
        "",
        SUM,
        f"{SUM} ",
        f"{SUM[1:]} RECORDS",
        f"{SUM}0 RECORDS",
        f"{SUM[1:]}g RECORDS",
        f"{SUM}RECORDS",
        f" {SUM} RECORDS",
        f"{SUM} /tmp/evil.dat",
        f"{SUM} ../evil.dat",
        f"{SUM} patient001/../../evil.dat",
        f"{SUM} ..",
        f"{SUM} ..\\evil.dat",
        f"{SUM} C:\\evil.dat",
        f"{SUM} C:evil.dat",
        f"{SUM} patient001//s0010_re.dat",
        f"{SUM} evil\x1b[31m.dat",
        f"{SUM} evil\x00.dat",
        "\udcff\udcfe",
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_damaged_or_hostile_list_of_sums(there, line, ptbxl, tmp_path):
    folder = tmp_path / "raw" / "ptb-xl"
    damaged = f"{SUM} CONTROLS\n{line}\n{SUM} RECORDS\n".encode(errors="surrogateescape")
    if there:
        folder.mkdir(parents=True)
        (folder / "SHA256SUMS.txt").write_bytes(damaged)
        expected = (f"{folder / 'SHA256SUMS.txt'}: line 2, ", "delete it to fetch it again")
    else:
        ptbxl.files["SHA256SUMS.txt"] = damaged
        expected = (f"{ptbxl.base_url}SHA256SUMS.txt: line 2, ", "ECGLIB_PHYSIONET_URL")
    refused(lambda: fetch_ptbxl_tables(folder, progress=False), *expected, "copy of ptb-xl")
    assert contents(tmp_path) == ({"raw/ptb-xl/SHA256SUMS.txt": damaged} if there else {})


def test_empty_list_of_sums(ptbxl, tmp_path):
    ptbxl.files["SHA256SUMS.txt"] = b""
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), "lacks 'ptbxl_database.csv'", "delete it")


def test_list_of_sums_in_sha256sums_own_layout(ptbxl, tmp_path):
    """Two spaces, capital digits and names with a space are all right."""
    ptbxl.files["notes on a record.txt"] = b"notes"
    list_sums(ptbxl)
    lines = ptbxl.files["SHA256SUMS.txt"].decode().splitlines()
    text = "".join(f"{line[:64].upper()}  {line[65:]}\n" for line in lines)
    ptbxl.files["SHA256SUMS.txt"] = text.encode()
    fetch_ptbxl_tables(tmp_path, progress=False)
    assert len(contents(tmp_path)) == 3


@pytest.mark.parametrize("stem", ["../../evil", "/tmp/evil", "patient001/../../evil", "..\\evil", "https://evil/evil"])
def test_hostile_record_names(stem, ptbxl, tmp_path):
    ptbxl.files |= {f"{stem}.hea": b"evil", f"{stem}.dat": b"evil"}
    folder = tmp_path / "raw" / "ptb-xl"
    refused(lambda: fetch_ptbxl_records(folder, [stem], progress=False), f"lacks {stem + '.hea'!r}")
    assert set(contents(tmp_path)) == {"raw/ptb-xl/SHA256SUMS.txt"}


def test_names_are_quoted_in_addresses(ptbxl, tmp_path):
    stem = "records500/00000/a b#c?d%41"
    ptbxl.files |= {f"{stem}.hea": b"header", f"{stem}.dat": b"signal"}
    list_sums(ptbxl)
    quoted = "records500/00000/a%20b%23c%3Fd%2541"
    ptbxl.files |= {f"{quoted}.hea": b"header", f"{quoted}.dat": b"signal"}
    fetch_ptbxl_records(tmp_path, [stem], progress=False)
    assert (tmp_path / f"{stem}.hea").read_bytes() == b"header"


@pytest.mark.parametrize("fetch", [fetch_ptbdb, fetch_ptbxl_tables])
def test_unreachable_mirror(fetch, ptbdb, tmp_path):
    ptbdb.shutdown()
    ptbdb.server_close()
    refused(lambda: fetch(tmp_path, progress=False), ptbdb.root, ": cannot be fetched", "refused", "ECGLIB_DATA")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("slash", ["", "/"])
def test_mirror_of_the_other_databases(slash, ptbxl, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_PHYSIONET_URL", ptbxl.root.rstrip("/") + slash)
    fetch_ptbxl_tables(tmp_path, progress=False)
    assert len(contents(tmp_path)) == 3
    monkeypatch.setenv("ECGLIB_PHYSIONET_URL", "physionet.org/files")
    for action in (
        lambda: fetch_ptbdb(tmp_path, progress=False),
        lambda: fetch_ptbxl_tables(tmp_path, progress=False),
        lambda: fetch_ptbxl_records(tmp_path, [PTBXL_STEMS[0]], progress=False),
    ):
        refused(action, "not a web address", "ECGLIB_PHYSIONET_URL")


@pytest.mark.parametrize(
    ("fetch", "address"),
    [
        (fetch_mitdb, "https://physionet.org/files/mitdb/1.0.0/"),
        (fetch_ptbdb, "https://physionet.org/files/ptbdb/1.0.0/"),
        (fetch_ptbxl_tables, "https://physionet.org/files/ptb-xl/1.0.3/SHA256SUMS.txt"),
        (lambda *a, **o: fetch_ptbxl_records(*a, [], **o), "https://physionet.org/files/ptb-xl/1.0.3/SHA256SUMS.txt"),
    ],
)
def test_address_without_a_mirror(fetch, address, tmp_path, monkeypatch):
    def no_network(url: str, **options: object) -> None:
        raise requests.ConnectionError("no network here")

    monkeypatch.delenv("ECGLIB_PHYSIONET_URL", raising=False)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(requests, "get", no_network)
    refused(lambda: fetch(tmp_path, progress=False), address, "cannot be fetched (no network here)")


def test_subfolder_that_cannot_be_made(ptbdb, tmp_path):
    (tmp_path / "patient001").write_text("a file")
    refused(lambda: fetch_ptbdb(tmp_path, progress=False), f"{tmp_path / 'patient001'}: cannot be written")


def test_list_of_sums_that_cannot_be_written(ptbxl, tmp_path):
    (tmp_path / "SHA256SUMS.txt").mkdir()
    refused(lambda: fetch_ptbxl_tables(tmp_path, progress=False), "SHA256SUMS.txt", "cannot be written")
