"""Records of three PhysioNet databases, fetched where no copy is at hand.

The MIT-BIH Arrhythmia Database (doi 10.13026/C2F305), the PTB Diagnostic ECG Database (doi 10.13026/C28C71)
and PTB-XL (doi 10.1038/s41597-020-0495-6). A file is kept only if its SHA-256 is the published one; a
download that was cut off goes on where it ended.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from tqdm import tqdm

from ecglib.data import mitbih
from ecglib.files import replacing
from ecglib.names import EcglibError

PHYSIONET_URL = "https://physionet.org/files/"
MITDB_URL = PHYSIONET_URL + "mitdb/1.0.0/"
SUMS_FILE = "SHA256SUMS.txt"
_SUMS_LINE = re.compile(r"([0-9a-fA-F]{64}) +([^ ].*)")
_CHUNK_BYTES = 1 << 16
_WORKERS = 4
_TIMEOUT_S = 30.0
_RETRIES = 3
# doubled after each attempt
_FIRST_DELAY_S = 1.0


class _Transient(Exception):
    """A failure that may be gone at the next attempt; its message is one line."""


@dataclass(frozen=True)
class _Database:
    """A database's name, where its files go to, where they come from, and the advice if they do not."""

    name: str
    folder: Path
    base_url: str
    local_copy: str

    def url(self, name: str) -> str:
        return self.base_url + quote(name)


def fetch_mitdb(folder: Path, base_url: str = MITDB_URL, progress: bool = True) -> Path:
    """Download what `folder` lacks of the 48 MIT-BIH records, 92 MB in all.

    Files that are there with the published SHA-256 are not fetched again. Each of the others goes to
    ``<name>.part`` first, and takes its place only when its sum is right.

    Parameters
    ----------
    folder : Path
    base_url : str
        The folder to fetch from. Its default is moved by the environment variable
        ``ECGLIB_PHYSIONET_URL``: a mirror's counterpart of https://physionet.org/files/.
    progress : bool
        Show a progress bar over the files on standard error.

    Returns
    -------
    Path
        `folder`, complete.

    Raises
    ------
    EcglibError
        The server is out of reach, lacks a file or keeps sending something else than the published
        one; or the folder cannot be written.
    """
    database = _open("mitdb", "1.0.0", folder, None if base_url == MITDB_URL else base_url)
    return _fetch_all(database, mitbih.published_sums(), progress)


def fetch_ptbdb(folder: Path, progress: bool = True) -> Path:
    """Download what `folder` lacks of the PTB Diagnostic ECG Database, over a gigabyte in all.

    These are ``SHA256SUMS.txt``, ``RECORDS`` and each record's .hea and .dat, which holds the 12 standard
    leads; the Frank leads (.xyz) are left out. A ``SHA256SUMS.txt`` that is there is not fetched again.

    Parameters and result are those of `fetch_mitdb`.

    Raises
    ------
    EcglibError
        As `fetch_mitdb`; or ``SHA256SUMS.txt`` is damaged or lacks a file.
    """
    database = _open("ptbdb", "1.0.0", folder)
    _fetch_listed(database, ["RECORDS"], progress=False)
    # a name that is no text is in no list of sums either, which is then the error
    stems = (database.folder / "RECORDS").read_text(encoding="utf-8", errors="replace").split()
    return _fetch_listed(database, _files(stems), progress)


def fetch_ptbxl_tables(folder: Path, progress: bool = True) -> Path:
    """Download ``ptbxl_database.csv`` and ``scp_statements.csv`` of PTB-XL, where `folder` lacks them.

    Parameters, result and errors are those of `fetch_ptbdb`.
    """
    return _fetch_listed(_open("ptb-xl", "1.0.3", folder), ["ptbxl_database.csv", "scp_statements.csv"], progress)


def fetch_ptbxl_records(folder: Path, stems: Iterable[str], progress: bool = True) -> Path:
    """Download the .hea and .dat of some PTB-XL records, where `folder` lacks them.

    Parameters, result and errors are those of `fetch_ptbdb`, and `stems` are the records as the data
    set's table names them: ``records500/00000/00001_hr``.
    """
    return _fetch_listed(_open("ptb-xl", "1.0.3", folder), _files(stems), progress)


def _files(stems: Iterable[str]) -> list[str]:
    return [stem + ending for stem in stems for ending in (".hea", ".dat")]


def _open(name: str, version: str, folder: Path, base_url: str | None = None) -> _Database:
    """Make the folder; the address is PhysioNet's or the mirror's where none is given."""
    if base_url is None:
        root = os.environ.get("ECGLIB_PHYSIONET_URL") or PHYSIONET_URL
        base_url = f"{root.rstrip('/')}/{name}/{version}/"
    if not base_url.startswith(("http://", "https://")):
        raise EcglibError(f"{base_url}: not a web address; start ECGLIB_PHYSIONET_URL with https:// or http://")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise EcglibError(f"{folder}: cannot be made ({error.strerror}); choose a folder that can be written") from None
    local_copy = f"set ECGLIB_DATA to a folder that holds a copy of {name}, or --raw to that copy"
    return _Database(name, Path(folder), base_url.rstrip("/") + "/", local_copy)


def _fetch_listed(database: _Database, names: list[str], progress: bool) -> Path:
    """Fetch files by the database's own list of sums; a path that leads out of the folder is not in it."""
    sums = _fetch_sums(database)
    if lacking := [name for name in names if name not in sums]:
        path = database.folder / SUMS_FILE
        raise EcglibError(f"{path}: lacks {lacking[0]!r}; delete it to fetch it again, or {database.local_copy}")
    return _fetch_all(database, {name: sums[name] for name in names}, progress)


def _fetch_sums(database: _Database) -> dict[str, str]:
    """File name to SHA-256 by the database's own list, which is fetched where it is missing."""
    path, url = database.folder / SUMS_FILE, database.url(SUMS_FILE)
    try:
        if path.is_file():
            return _read_sums(path, str(path), f"delete it to fetch it again, or {database.local_copy}")
        # no sum tells whether an older part belongs to it: it starts anew, under a name of its own
        with replacing(path) as temporary:
            _receive_all(database, url, temporary, threading.Event())
            return _read_sums(temporary, url, f"correct ECGLIB_PHYSIONET_URL if it is set, or {database.local_copy}")
    except OSError as error:
        raise _write_error(path, error) from None


def _read_sums(path: Path, shown: str, remedy: str) -> dict[str, str]:
    sums = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        match = _SUMS_LINE.fullmatch(line)
        if match is None or not _is_inside(match[2]):
            raise EcglibError(f"{shown}: line {number}, {line[:90]!r}, is no SHA-256 and path inside; {remedy}")
        sums[match[2]] = match[1].lower()
    return sums


def _is_inside(name: str) -> bool:
    """Whether `name` leads into the folder that it is joined to, also on Windows with its \\ and drives."""
    path = PureWindowsPath(name)
    return name.isprintable() and path.as_posix() == name and not path.anchor and ".." not in path.parts


def _fetch_all(database: _Database, sums: dict[str, str], progress: bool) -> Path:
    """Fetch the files that `sums` names, several at a time, until one fails."""
    stop = threading.Event()
    with (
        ThreadPoolExecutor(_WORKERS) as pool,
        tqdm(total=len(sums), desc=database.name, unit="file", disable=not progress) as bar,
    ):
        fetches = [pool.submit(_fetch, database, name, published, stop) for name, published in sums.items()]
        try:
            for fetch in as_completed(fetches):
                fetch.result()
                bar.update()
        finally:
            # after an interrupt, the other files need not be waited for
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return database.folder


def _fetch(database: _Database, name: str, published: str, stop: threading.Event) -> None:
    """Make sure that a file is the published one; a failure stops the other fetches."""
    url, path = database.url(name), database.folder / name
    part = path.with_name(path.name + ".part")
    try:
        if stop.is_set() or (path.is_file() and _sum_of(path) == published):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_RETRIES + 1):
            resumed = _receive_all(database, url, part, stop)
            if stop.is_set():
                return
            if _sum_of(part) == published:
                os.replace(part, path)
                return
            part.unlink()
            # a part that was there before may have been the wrong one; a fresh file has no excuse
            if not resumed:
                break
        # or the list is the wrong one; a file that its successor agrees with is not fetched again
        again = f"delete {SUMS_FILE} and try again" if (database.folder / SUMS_FILE).is_file() else "try again later"
        raise EcglibError(f"{url}: differs from the published file (SHA-256); {again}, or {database.local_copy}")
    except BaseException as error:
        stop.set()
        if isinstance(error, OSError):
            raise _write_error(path, error) from None
        raise


def _receive_all(database: _Database, url: str, part: Path, stop: threading.Event) -> bool:
    """Complete `part` in as many attempts as it may take; whether the last one found a part of it there."""
    delay = _FIRST_DELAY_S
    for attempt in range(_RETRIES + 1):
        try:
            return _receive(database, url, part, stop)
        except _Transient as error:
            if attempt == _RETRIES:
                raise EcglibError(f"{url}: cannot be fetched ({error}); {database.local_copy}") from None
        if stop.wait(delay):
            return True
        delay *= 2


def _receive(database: _Database, url: str, part: Path, stop: threading.Event) -> bool:
    """Complete `part`, going on where it ends if the server can do that; whether there was any of it."""
    have = part.stat().st_size if part.is_file() else 0
    with closing(_answer(database, url, have)) as answer:
        first = next(answer)
        if first not in (0, have):
            part.unlink(missing_ok=True)
            raise _Transient("the server sent another range than asked for")
        with part.open("ab" if first else "wb") as file:
            for chunk in answer:
                file.write(chunk)
                if stop.is_set():
                    break
    return have > 0


def _answer(database: _Database, url: str, have: int) -> Iterator[int | bytes]:
    """Which byte the server starts with, asked to start with byte `have`; then what it sends, in chunks."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            # "bytes 100-199/200"
            first = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", "bytes -"))
            yield 0 if response.status != 206 else int(first[1]) if first else -1
            received = 0
            while chunk := response.read(_CHUNK_BYTES):
                received += len(chunk)
                yield chunk
            # a connection that is closed early reads like the end of the file
            if received < (expected := int(response.headers.get("Content-Length", received))):
                raise _Transient(f"the connection ended after {received} of {expected} bytes")
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # nothing is left to send: the part is complete, or the wrong one, as its sum will tell
            yield have
        elif error.code >= 500 or error.code in (408, 429):
            raise _Transient(f"HTTP {error.code} {error.reason}") from None
        else:
            told = f"{url}: HTTP {error.code} {error.reason}"
            raise EcglibError(f"{told}; correct ECGLIB_PHYSIONET_URL if it is set, or {database.local_copy}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError | ssl.SSLError) else error
        raise _Transient((str(reason) or type(error).__name__).splitlines()[0]) from None


def _write_error(path: Path, error: OSError) -> EcglibError:
    where = error.filename or path
    return EcglibError(f"{where}: cannot be written ({error.strerror}); make room or choose another folder")


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
