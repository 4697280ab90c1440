"""From a file to one open lead: WFDB records, EDF, tables of text; what to do with other formats.

No message quotes what a file holds but the names of its leads: a header may name a person.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ecglib.names import EcglibError
from ecglib.predict.lead import OpenLead, array_lead, checked_rate, choose_lead, units_per_mv
from ecglib.predict.text import open_text

_TEXT = {".csv", ".txt", ".tsv", ".asc", ".dat"}
_WFDB = {".hea", ".dat", ".atr", ".qrs"}
# BioSig's converter reads both (biosig.sourceforge.net; packages biosig-tools of Debian and Ubuntu)
_BY_BIOSIG = "convert it to EDF first, as with BioSig: save2gdf -f=EDF {name} out.edf"
_CONVERT = {
    ".xml": f"HL7 aECG and other XML is not read; {_BY_BIOSIG}",
    ".scp": f"SCP-ECG is not read; {_BY_BIOSIG}",
    ".gdf": f"GDF is not read; {_BY_BIOSIG}",
    ".bdf": f"BDF is not read; {_BY_BIOSIG}",
    ".pdf": "a PDF is a picture of an ECG; export the samples instead, as CSV or EDF",
    ".png": "a picture of an ECG is not read; export the samples instead, as CSV or EDF",
    ".jpg": "a picture of an ECG is not read; export the samples instead, as CSV or EDF",
    ".dcm": "DICOM is not read; convert it to CSV first, as with pydicom: waveform_array(dataset)",
    ".mat": "MATLAB files are not read; in MATLAB, writematrix(signal, 'out.csv') makes one that is",
    ".json": "JSON is not read; write the samples of one lead to a text file, one a line, and give --rate",
    ".zip": "an archive is not read; unpack it and give the file of one recording",
}
_MAGIC = {b"%PDF": ".pdf", b"PK\x03\x04": ".zip", b"<?xml": ".xml", b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg"}
# no header of a record is as long as this
_LONGEST_HEADER = 2**20
_EDF_VERSION = b"0       "


def open_lead(path: Path, lead: str | None = None, rate_hz: float | None = None) -> OpenLead:
    """Open one lead of a file.

    Parameters
    ----------
    path : Path
        A WFDB record (with ``.hea`` or without an ending), an EDF file, a table of text (CSV, tabs, blanks, one value
        a line), or what the Apple Watch exports.
    lead : str, optional
        See `ecglib.predict.lead.choose_lead`.
    rate_hz : float, optional
        Samples a second, for a table that does not say.

    Raises
    ------
    EcglibError
        The file is missing, damaged or of another format, has no such lead, or no usable rate.
    """
    path = Path(path)
    stem = path.with_suffix("") if path.suffix.lower() in _WFDB else path
    if Path(f"{stem}.hea").is_file():
        _refuse_rate(path, rate_hz)
        return _open_wfdb(stem, lead)
    if path.suffix.lower() == ".hea" or not path.exists():
        raise EcglibError(f"{path}: no such file")
    if not path.is_file():
        raise EcglibError(f"{path}: is a folder; give the file of one record")
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError:
        raise EcglibError(f"{path}: cannot be read; look at its permissions") from None
    if not start:
        raise EcglibError(f"{path}: empty")
    ending = next((ending for magic, ending in _MAGIC.items() if start.startswith(magic)), path.suffix.lower())
    if ending in _CONVERT:
        raise EcglibError(f"{path}: {_CONVERT[ending].format(name=path.name)}")
    if ending in (".edf", ".rec") or start == _EDF_VERSION:
        _refuse_rate(path, rate_hz)
        return _open_edf(path, lead)
    if ending not in _TEXT and ending:
        raise EcglibError(f"{path}: unknown format; WFDB records, EDF, CSV and text are read")
    return open_text(path, lead, rate_hz)


def _refuse_rate(path: Path, rate_hz: float | None) -> None:
    if rate_hz is not None:
        raise EcglibError(f"{path}: says its rate itself; leave --rate out")


def _open_wfdb(stem: Path, lead: str | None) -> OpenLead:
    import wfdb

    if Path(f"{stem}.hea").stat().st_size > _LONGEST_HEADER:
        raise EcglibError(f"{stem}.hea: too long for the header of a record")
    try:
        header = wfdb.rdheader(str(stem))
        names = [str(name or "") for name in header.sig_name] if header.n_sig else []
        rate_hz, segmented = float(header.fs), isinstance(header, wfdb.MultiRecord)
    except Exception:  # wfdb raises whatever its parser stumbles over, with the text that it stumbled over
        raise EcglibError(f"{stem}.hea: damaged, or no header of a WFDB record") from None
    number = choose_lead(names, lead, stem)
    checked_rate(rate_hz, stem)

    def read(start: int, stop: int | None) -> np.ndarray:
        try:
            record = wfdb.rdrecord(str(stem), start, stop, channels=[number], physical=segmented)
            if segmented:
                # whose segments may differ in gain
                return record.p_signal[:, 0].astype(np.float64)
            # ADC units as in training: in physical units the beats would differ in their last bits
            signal = record.d_signal[:, 0].astype(np.float64)
            signal[np.isnan(record.dac()[:, 0])] = np.nan
            return signal
        except Exception:
            raise EcglibError(f"{stem}: the signal file is missing, cut short or damaged") from None

    if segmented or not header.sig_len:
        whole = read(0, None)
        per_mv = units_per_mv(header.units[number]) if segmented and header.units else None
        return array_lead(whole, rate_hz, per_mv, names[number])
    # whether all of it is there, before anything is made of a number in a header
    read(header.sig_len - 1, header.sig_len)
    millivolt = units_per_mv(header.units[number])
    return OpenLead(
        name=names[number],
        rate_hz=rate_hz,
        length=int(header.sig_len),
        per_mv=millivolt and header.adc_gain[number] * millivolt,
        read=read,
    )


def _open_edf(path: Path, lead: str | None) -> OpenLead:
    import edfio

    try:
        with warnings.catch_warnings():
            # a recording that ended early has fewer data records than it announced
            warnings.simplefilter("ignore")
            edf = edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")
            signals = edf.signals
            names = [signal.label for signal in signals]
            continuous = not edf.reserved.startswith("EDF+D") or edf.is_continuous
            records = edf.num_data_records
    except Exception:  # the header holds the patient's name, and so may the text of an error
        raise EcglibError(f"{path}: damaged, or no EDF file") from None
    number = choose_lead(names, lead, path)
    if not continuous:
        raise EcglibError(f"{path}: an interrupted recording (EDF+D); export its parts as files of their own")
    signal = signals[number]
    try:
        rate_hz, length = float(signal.sampling_frequency), int(signal.samples_per_data_record * records)
        steps = signal.digital_max - signal.digital_min
        usable = steps != 0 and signal.physical_max != signal.physical_min and length > 0
        unit = signal.physical_dimension
    except Exception:
        raise EcglibError(f"{path}: damaged, or no EDF file") from None
    checked_rate(rate_hz, path)
    if not usable:
        raise EcglibError(f"{path}: lead {names[number]} has no samples, or no scale")

    def read(start: int, stop: int) -> np.ndarray:
        return signal.get_data_slice(start / rate_hz, stop / rate_hz)

    return OpenLead(names[number], rate_hz, length, units_per_mv(unit), read)
