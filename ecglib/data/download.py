"""The 48 records of the MIT-BIH Arrhythmia Database, fetched from PhysioNet where no copy is at hand.

A file is kept only if its SHA-256 is the published one; a download that was cut off goes on where it ended.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from ecglib.data import mitbih
from ecglib.errors import EcglibError

MITDB_URL = "https://physionet.org/files/mitdb/1.0.0/"
_CHUNK_BYTES = 1 << 16
_WORKERS = 4
_TIMEOUT_S = 30.0
_RETRIES = 3
# doubled after each attempt
_FIRST_DELAY_S = 1.0
_LOCAL_COPY = "set ECGLIB_DATA to a folder that holds a copy of mitdb, or --raw to that copy"


class _Transient(Exception):
    """A failure that may be gone at the next attempt; its message is one line."""


def fetch_mitdb(folder: Path, base_url: str = MITDB_URL, progress: bool = True) -> Path:
    """Download what `folder` lacks of the 48 records, 92 MB in all.

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
    folder = Path(folder)
    if base_url == MITDB_URL and os.environ.get("ECGLIB_PHYSIONET_URL"):
        base_url = os.environ["ECGLIB_PHYSIONET_URL"].rstrip("/") + "/mitdb/1.0.0/"
    if not base_url.startswith(("http://", "https://")):
        raise EcglibError(f"{base_url}: not a web address; start ECGLIB_PHYSIONET_URL with https:// or http://")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EcglibError(f"{folder}: cannot be made ({error.strerror}); choose a folder that can be written") from None
    sums = mitbih.published_sums()
    stop = threading.Event()
    with (
        ThreadPoolExecutor(_WORKERS) as pool,
        tqdm(total=len(sums), desc="mitdb", unit="file", disable=not progress) as bar,
    ):
        fetches = [
            pool.submit(_fetch, base_url.rstrip("/") + "/" + name, folder / name, published, stop)
            for name, published in sums.items()
        ]
        try:
            for fetch in as_completed(fetches):
                fetch.result()
                bar.update()
        finally:
            # after an interrupt, the other files need not be waited for
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return folder


def _fetch(url: str, path: Path, published: str, stop: threading.Event) -> None:
    """Make sure that `path` is the published file; a failure stops the other fetches."""
    try:
        if not stop.is_set() and not (path.is_file() and _sum_of(path) == published):
            _download(url, path, published, stop)
    except BaseException:
        stop.set()
        raise


def _download(url: str, path: Path, published: str, stop: threading.Event) -> None:
    part = path.with_name(path.name + ".part")
    delay = _FIRST_DELAY_S
    for attempt in range(_RETRIES + 1):
        resumed = part.is_file() and part.stat().st_size > 0
        try:
            _receive(url, part, stop)
        except _Transient as error:
            if attempt == _RETRIES:
                raise EcglibError(f"{url}: cannot be fetched ({error}); {_LOCAL_COPY}") from None
            if stop.wait(delay):
                return
            delay *= 2
            continue
        if stop.is_set():
            return
        if _sum_of(part) == published:
            os.replace(part, path)
            return
        part.unlink()
        # the part that an earlier download left may have been the wrong one; a fresh one has no excuse
        if not resumed:
            break
    raise EcglibError(f"{url}: differs from the published file (SHA-256); try again later, or {_LOCAL_COPY}")


def _receive(url: str, part: Path, stop: threading.Event) -> None:
    """Complete `part` from `url`, going on where it ends if the server can do that."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            goes_on = response.status == 206 and _first_byte(response) == have
            if response.status == 206 and not goes_on:
                part.unlink()
                raise _Transient("the server sent another range than asked for")
            _store(response, part, "ab" if goes_on else "wb", stop)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # nothing is left to send: the part is complete, or the wrong one, as its sum will tell
            return
        if error.code >= 500 or error.code in (408, 429):
            raise _Transient(f"HTTP {error.code} {error.reason}") from None
        raise EcglibError(
            f"{url}: HTTP {error.code} {error.reason}; correct ECGLIB_PHYSIONET_URL if it is set, or {_LOCAL_COPY}"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError | ssl.SSLError) else error
        raise _Transient((str(reason) or type(error).__name__).splitlines()[0]) from None


def _first_byte(response: http.client.HTTPResponse) -> int:
    """Where the range of a 206 answer starts ("bytes 100-199/200"), or -1 where it does not say."""
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else -1


def _store(response: http.client.HTTPResponse, part: Path, mode: str, stop: threading.Event) -> None:
    expected = response.headers.get("Content-Length")
    received = 0
    with _writable(part, mode) as file:
        while not stop.is_set() and (chunk := response.read(_CHUNK_BYTES)):
            received += len(chunk)
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise _write_error(part, error) from None
    # a connection that is closed early reads like the end of the file
    if expected is not None and received < int(expected) and not stop.is_set():
        raise _Transient(f"the connection ended after {received} of {expected} bytes")


def _writable(part: Path, mode: str) -> BinaryIO:
    try:
        return part.open(mode)
    except OSError as error:
        raise _write_error(part, error) from None


def _write_error(part: Path, error: OSError) -> EcglibError:
    return EcglibError(f"{part}: cannot be written ({error.strerror}); make room or choose another folder")


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
