"""The page on paper, printed by a browser that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ecglib.report.checks import EcglibError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_LONGEST_S = 300
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)


def print_pdf(page: Path, out: Path) -> Path:
    """Print a page to a PDF with headless Chromium.

    Parameters
    ----------
    page : Path
        What `ecglib.report.page.write_page` wrote.
    out : Path
        The PDF; its folder is made where it is missing. What is there is replaced only by a complete one.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    EcglibError
        If the page is missing, none of `BROWSERS` is installed, or it prints nothing.
    OSError
        If the file cannot be written.
    """
    page = Path(page)
    if not page.is_file():
        raise EcglibError(f"{page}: no such page; write it first")
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise EcglibError(
            f"no browser to print with: install one of {', '.join(BROWSERS)}, or print {page} from your own"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.pdf")
    # Chromium's sandbox does not work for root, which containers often run as
    rights = ("--no-sandbox",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()
    # a profile of its own, so that a browser that is open is left alone and no setting of a user shows
    with tempfile.TemporaryDirectory(prefix="ecglib-print-", ignore_cleanup_errors=True) as profile:
        command = [browser, *_FLAGS, *rights, f"--user-data-dir={profile}", f"--print-to-pdf={temporary.resolve()}"]
        try:
            done = subprocess.run(
                [*command, page.resolve().as_uri()], capture_output=True, text=True, timeout=_LONGEST_S, check=False
            )
            if done.returncode or not temporary.is_file() or temporary.read_bytes()[:5] != b"%PDF-":
                said = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
                raise EcglibError(f"{browser} did not print {page}: {said}")
            os.replace(temporary, out)
        except subprocess.TimeoutExpired as error:
            raise EcglibError(f"{browser} did not print {page} within {_LONGEST_S} s") from error
        finally:
            temporary.unlink(missing_ok=True)
    return out
