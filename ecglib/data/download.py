"""Records of three PhysioNet databases, fetched where no copy is at hand.

The MIT-BIH Arrhythmia Database (doi 10.13026/C2F305), the PTB Diagnostic ECG Database (doi 10.13026/C28C71)
and PTB-XL (doi 10.1038/s41597-020-0495-6). Pooch fetches the files and keeps those whose SHA-256 is the
published one; a download that was cut off goes on with the files that are missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from tqdm import tqdm

from ecglib.data import mitbih, ptb
from ecglib.files import replacing
from ecglib.names import EcglibError

PHYSIONET_URL = "https://physionet.org/files/"
MITDB_URL = PHYSIONET_URL + "mitdb/1.0.0/"
SUMS_FILE = "SHA256SUMS.txt"
_SUMS_LINE = re.compile(r"([0-9a-fA-F]{64}) +([^ ].*)")
_CORRECT_URL = "correct ECGLIB_PHYSIONET_URL if it is set"
_WORKERS = 4
_TIMEOUT_S = 30.0
_RETRIES = 3
# no file of these databases comes near it
_MOST_BYTES = 1 << 30
_TOO_LARGE = "larger than any file of these databases"


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

    Files that are there with the published SHA-256 are not fetched again. Each of the others takes its
    place only when it is complete and its sum is right.

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

    These are ``RECORDS`` and each record's .hea and .dat, which holds the 12 standard leads; the Frank leads
    (.xyz) are left out.

    Parameters, result and errors are those of `fetch_mitdb`.
    """
    return _fetch_all(_open("ptbdb", "1.0.0", folder), ptb.published_sums(), progress)


def fetch_ptbxl_tables(folder: Path, progress: bool = True) -> Path:
    """Download ``ptbxl_database.csv`` and ``scp_statements.csv`` of PTB-XL, where `folder` lacks them.

    Their sums are not part of this package: ``SHA256SUMS.txt`` is fetched too, once.

    Parameters and result are those of `fetch_mitdb`.

    Raises
    ------
    EcglibError
        As `fetch_mitdb`; or ``SHA256SUMS.txt`` is damaged or lacks a file.
    """
    return _fetch_listed(_open("ptb-xl", "1.0.3", folder), ["ptbxl_database.csv", "scp_statements.csv"], progress)


def fetch_ptbxl_records(folder: Path, stems: Iterable[str], progress: bool = True) -> Path:
    """Download the .hea and .dat of some PTB-XL records, where `folder` lacks them.

    Parameters, result and errors are those of `fetch_ptbxl_tables`, and `stems` are the records as the data
    set's table names them: ``records500/00000/00001_hr``.
    """
    names = [stem + ending for stem in stems for ending in (".hea", ".dat")]
    return _fetch_listed(_open("ptb-xl", "1.0.3", folder), names, progress)


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
        # there is no sum to tell a wrong list by: it takes its place once it has been read
        with replacing(path) as temporary:
            _fetch(database, SUMS_FILE, None, temporary.name)
            return _read_sums(temporary, url, f"{_CORRECT_URL}, or {database.local_copy}")
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
    with ThreadPoolExecutor(_WORKERS) as pool:
        # at the first failure, map cancels all that has not begun
        fetches = pool.map(partial(_fetch, database), sums, sums.values())
        for _ in tqdm(fetches, desc=database.name, total=len(sums), unit="file", disable=not progress):
            pass
    return database.folder


def _fetch(database: _Database, name: str, published: str | None, local_name: str | None = None) -> None:
    """Make sure that a file of the folder is the published one; any file will do where no sum is known."""
    # these two take a while to import, and are for those who have no copy of the data
    import pooch
    import requests

    def check(response: requests.Response, **_: object) -> None:
        told = f"HTTP {response.status_code} {response.reason}"
        if response.status_code >= 500 or response.status_code in (408, 429):
            raise requests.RequestException(told)
        # pooch tries again after an error of requests or a ValueError, such as EcglibError, but not after this
        if response.status_code >= 400:
            raise LookupError(told)
        if int(response.headers.get("Content-Length", 0)) > _MOST_BYTES:
            raise LookupError(_TOO_LARGE)

    def receive(url: str, temporary: str, _: pooch.Pooch) -> None:
        # pooch lets nobody but the user read it; one that is made anew has the rights that any file gets
        os.unlink(temporary)
        request = pooch.HTTPDownloader(_Limit(), chunk_size=1 << 16, timeout=_TIMEOUT_S, hooks={"response": check})
        request(url, temporary, None)

    url, path = database.url(name), database.folder / (local_name or name)
    pooch.get_logger().setLevel("WARNING")
    files = pooch.Pooch(os.path.abspath(path.parent), "", {path.name: published}, {path.name: url}, _RETRIES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.fetch(path.name, downloader=receive)
    except LookupError as error:
        raise EcglibError(f"{url}: {error}; {_CORRECT_URL}, or {database.local_copy}") from None
    except requests.RequestException as error:
        raise EcglibError(f"{url}: cannot be fetched ({_reason(error)}); {database.local_copy}") from None
    except OSError as error:
        raise _write_error(path, error) from None
    except ValueError:
        # it may be the list that is wrong; a file that its successor agrees with is not fetched again
        advice = f"try again later, without {SUMS_FILE} if there is one, or {database.local_copy}"
        raise EcglibError(f"{url}: differs from the published file (SHA-256); {advice}") from None


class _Limit:
    """Stands where pooch has its progress bar, and ends what goes on for too long: a server need not say how much."""

    total = received = 0

    def update(self, count: int) -> None:
        self.received += count
        if self.received > _MOST_BYTES + count:
            raise LookupError(_TOO_LARGE)

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        pass


def _reason(error: BaseException) -> str:
    """What an error goes back to, without the layers that passed it on."""
    while origin := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = origin
    return (str(error) or type(error).__name__).splitlines()[0]


def _write_error(path: Path, error: OSError) -> EcglibError:
    where, reason = error.filename or path, error.strerror or error
    return EcglibError(f"{where}: cannot be written ({reason}); make room or choose another folder")
