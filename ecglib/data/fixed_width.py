"""CSV text to 32-bit numbers: fast where their width is fixed, as NumPy's ``savetxt`` and Kaggle's files print them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv

# "9.779411554336547852e-01" and the comma or line end after it
CELL_BYTES = 25
# the least and the greatest character in each place; a comma, between "+" and "-", is refused apart
_LEAST = np.frombuffer(b"0.000000000000000000e+00,", dtype=np.uint8)
_GREATEST = np.frombuffer(b"9.999999999999999999e-99,", dtype=np.uint8)
# by exponent, with 128 added if it is negative: the power that a number's first nine digits are multiplied by;
# none from 1e38 on, which is about the largest 32-bit number
_POWERS = np.full(256, np.nan)
_POWERS[:38] = 10.0 ** (np.arange(38) - 8.0)
_POWERS[128:228] = 10.0 ** (-np.arange(100) - 8.0)


def parse_fixed_width(block: bytes | memoryview, columns: int) -> np.ndarray | None:
    """The rows of a block of CSV text in which every cell is printed as "%.18e"; None for any other block.

    Parameters
    ----------
    block : bytes or memoryview
        Whole lines; about a megabyte is fastest, as all that is computed then stays in a processor's cache.
    columns : int

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The nearest 32-bit number of each cell. Nine digits tell it for every 32-bit number in print; where
        they do not, as for most numbers of more bits, the answer is None too.
    """
    rows, rest = divmod(len(block), columns * CELL_BYTES)
    if rest or not rows:
        return None
    text = np.frombuffer(block, dtype=np.uint8)
    if not _has_format(text.reshape(rows, columns * CELL_BYTES), columns):
        return None

    def in_each_cell(place: int, dtype: str) -> np.ndarray:
        return np.ndarray(rows * columns, dtype, buffer=text, offset=place, strides=(CELL_BYTES,))

    sign = in_each_cell(21, "u1").copy()
    if (sign == ord(",")).any():
        return None
    nine_digits = (in_each_cell(0, "u1") - np.uint8(ord("0"))) * 1e8
    nine_digits += _eight_digits(in_each_cell(2, "<u8"))
    more_digits = in_each_cell(10, "<u8") != int.from_bytes(b"00000000")
    more_digits |= in_each_cell(18, "<u2") != int.from_bytes(b"00")
    # in 8 bits, which wrap around
    exponent = in_each_cell(22, "u1") * np.uint8(10) + in_each_cell(23, "u1") - np.uint8(11 * ord("0") % 256)
    exponent += (sign == ord("-")) * np.uint8(128)
    power = _POWERS.take(exponent)
    # the number lies between these two, 1e-15 being more than what was lost to rounding
    below = (nine_digits * power) * (1 - 1e-15)
    above = ((nine_digits + more_digits) * power) * (1 + 1e-15)
    nearest = below.astype(np.float32)
    if not (nearest == above.astype(np.float32)).all():
        return None
    return nearest.reshape(rows, columns)


def _has_format(lines: np.ndarray, columns: int) -> bool:
    """Whether each line has the right kind of character in every place."""
    least, greatest = np.tile(_LEAST, columns), np.tile(_GREATEST, columns)
    least[-1] = greatest[-1] = ord("\n")
    # least and greatest of all lines, which are taken 64 places at a time, instead of a look at each character
    return bool((lines.min(axis=0) >= least).all() and (lines.max(axis=0) <= greatest).all())


def _eight_digits(text: np.ndarray) -> np.ndarray:
    """The number that each 64-bit word spells in ASCII, its first byte the highest digit.

    Neighbours are joined to two digits, to four, to eight (Lemire 2021, doi 10.1002/spe.2984).
    """
    word = text.copy()
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 2561, 8),
        (0x00FF00FF00FF00FF, 6553601, 16),
        (0x0000FFFF0000FFFF, 42949672960001, 32),
    ):
        word &= np.uint64(mask)
        word *= np.uint64(factor)
        word >>= np.uint64(shift)
    return word


def parse_any_width(text: bytes, columns: int) -> np.ndarray | None:
    """The rows of CSV text, however its numbers are printed; None if it is not all numbers, `columns` to a row.

    Parameters
    ----------
    text : bytes
        At least one line that is not empty; empty ones are passed over.
    columns : int

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    names = [str(number) for number in range(columns)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(text),
            read_options=pa.csv.ReadOptions(column_names=names, block_size=len(text)),
            parse_options=pa.csv.ParseOptions(quote_char=False),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float32()), null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    values = np.empty((table.num_rows, columns), dtype=np.float32)
    for number, column in enumerate(table.columns):
        values[:, number] = column.to_numpy()
    return values
