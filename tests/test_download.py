"""The download, against a real server with PhysioNet's layout that can fail in PhysioNet's ways."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ecglib.data import download, mitbih
from ecglib.data.download import fetch_mitdb
from ecglib.errors import EcglibError


class Server(ThreadingHTTPServer):
    """Serves `files` below /files/mitdb/1.0.0/; the other attributes say what goes wrong, by file name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cuts: Counter[str] = Counter()
        self.statuses: dict[str, list[int]] = {}
        self.wrong: set[str] = set()
        self.ignores_range = False
        self.requests: list[tuple[str, str | None]] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/files/"

    @property
    def base_url(self) -> str:
        return self.root + "mitdb/1.0.0/"

    def asked(self, name: str) -> list[str | None]:
        """The Range header of each request for a file, in order."""
        return [asked_range for asked_name, asked_range in self.requests if asked_name == name]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        folder, _, name = self.path.rpartition("/")
        asked_range = self.headers.get("Range")
        self.server.requests.append((name, asked_range))
        if self.server.statuses.get(name):
            return self.send_error(self.server.statuses[name].pop(0))
        if folder != "/files/mitdb/1.0.0" or name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        if name in self.server.wrong:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = 0
        if asked_range and not self.server.ignores_range:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked_range)[1])
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cuts[name] > 0:
            self.server.cuts[name] -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    """A server of three small records, which are the published ones as far as the code can see."""
    generator = np.random.default_rng(0)
    with Server() as server:
        for name in ("100", "101", "102"):
            for end, size in (("dat", 300_000), ("hea", 150), ("atr", 4_000)):
                server.files[f"{name}.{end}"] = generator.bytes(size)
        publish(server.files, monkeypatch)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv("ECGLIB_PHYSIONET_URL", raising=False)
        monkeypatch.setattr(download, "_FIRST_DELAY_S", 0.001)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def publish(files: dict[str, bytes], monkeypatch) -> None:
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(mitbih, "published_sums", lambda: sums)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
    assert sorted(server.requests) == sorted((name, None) for name in server.files)
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
    assert server.asked("100.dat") == [] and len(server.requests) == 8
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


@pytest.mark.parametrize("have", [1, 1000, 299_999])
def test_partial_file_is_completed(have, server, tmp_path):
    (tmp_path / "100.dat.part").write_bytes(server.files["100.dat"][:have])
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("100.dat") == [f"bytes={have}-"]


def test_partial_file_and_a_server_without_ranges(server, tmp_path):
    server.ignores_range = True
    (tmp_path / "100.dat.part").write_bytes(server.files["100.dat"][:1000])
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("100.dat") == ["bytes=1000-"]


def test_partial_file_that_is_complete(server, tmp_path):
    (tmp_path / "100.dat.part").write_bytes(server.files["100.dat"])
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("100.dat") == ["bytes=300000-"]


@pytest.mark.parametrize("size", [1000, 300_000, 300_001])
def test_partial_file_of_something_else_is_fetched_anew(size, server, tmp_path):
    (tmp_path / "100.dat.part").write_bytes(bytes(size))
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("100.dat") == [f"bytes={size}-", None]


def test_cut_connection_is_taken_up_where_it_ended(server, tmp_path):
    server.cuts["101.dat"] = 2
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("101.dat") == [None, "bytes=150000-", "bytes=225000-"]


def test_connection_that_is_always_cut_leaves_what_came(server, tmp_path):
    server.cuts["101.dat"] = 4
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}101.dat: cannot be fetched (the connection ended after 18750 of 37500 bytes)",
        "ECGLIB_DATA",
    )
    assert (tmp_path / "101.dat.part").read_bytes() == server.files["101.dat"][:281_250]
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("101.dat")[-1] == "bytes=281250-"


def test_passing_server_errors_are_outlasted(server, tmp_path):
    server.statuses = {"100.hea": [503, 500, 502], "101.atr": [429]}
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert len(server.asked("100.hea")) == 4


def test_lasting_server_error(server, tmp_path):
    server.statuses = {"100.hea": [503] * 9}
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "100.hea: cannot be fetched (HTTP 503")
    assert len(server.asked("100.hea")) == 4
    assert not (tmp_path / "100.hea").exists()


def test_file_that_the_server_lacks_is_asked_for_once(server, tmp_path):
    del server.files["102.atr"]
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}102.atr: HTTP 404",
        "ECGLIB_PHYSIONET_URL",
    )
    assert server.asked("102.atr") == [None]


def test_wrong_byte_is_refused_and_what_was_there_stays(server, tmp_path):
    server.wrong = {"102.dat"}
    (tmp_path / "102.dat").write_bytes(b"an older file")
    refused(
        lambda: fetch_mitdb(tmp_path, server.base_url, progress=False),
        f"{server.base_url}102.dat: differs from the published file (SHA-256)",
        "--raw",
    )
    assert (tmp_path / "102.dat").read_bytes() == b"an older file"
    assert not (tmp_path / "102.dat.part").exists()
    assert server.asked("102.dat") == [None]


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
        handler.server.requests.append((handler.path, None))
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
    # no more than one for each of the parallel downloads
    assert 1 <= len(server.requests) <= 4


@pytest.mark.parametrize("address", ["physionet.org/files", "file:///etc/", "ftp://physionet.org/files"])
def test_address_that_is_none(address, server, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_PHYSIONET_URL", address)
    refused(lambda: fetch_mitdb(tmp_path, progress=False), "not a web address", "ECGLIB_PHYSIONET_URL")


def test_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("a file")
    refused(lambda: fetch_mitdb(tmp_path / "file" / "mitdb", server.base_url), "cannot be made")
    assert server.requests == []


def test_part_that_cannot_be_written(server, tmp_path):
    (tmp_path / "100.hea.part").mkdir()
    refused(lambda: fetch_mitdb(tmp_path, server.base_url, progress=False), "100.hea.part: cannot be written")
    # no second attempt would help
    assert len(server.asked("100.hea")) == 1


def test_real_records(server, tmp_path, data_folder, monkeypatch):
    """Three records as published, one of them half there and cut once more on its way."""
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_FIRST_DELAY_S", 0.001)
    sums = {name: digest for name, digest in mitbih.published_sums().items() if name[:3] in ("100", "207", "234")}
    assert len(sums) == 9
    monkeypatch.setattr(mitbih, "published_sums", lambda: sums)
    server.files = {name: (data_folder / "mitdb" / name).read_bytes() for name in sums}
    server.cuts["207.dat"] = 1
    (tmp_path / "207.dat.part").write_bytes(server.files["207.dat"][:900_000])
    fetch_mitdb(tmp_path, server.base_url, progress=False)
    assert contents(tmp_path) == server.files
    assert server.asked("207.dat") == ["bytes=900000-", "bytes=1425000-"]
    mitbih.check_records(tmp_path)
