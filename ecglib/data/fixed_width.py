"""Numbers printed with a fixed width, read many at a time; NumPy's ``savetxt`` and Kaggle's files print so."""

from __future__ import annotations

import numpy as np

# "9.779411554336547852e-01" and the comma or line end after it
CELL_BYTES = 25
PIECE_CELLS = 20_000
# by exponent, from 1e-16 of the 17 digits read; negative exponents count from the end
_POWERS = 10.0 ** (np.concatenate([np.arange(100), np.arange(-99, 0)]) - 16.0)


def parse_fixed_width(block: bytes, columns: int) -> np.ndarray | None:
    """The rows of a block of CSV text in which every cell is printed as "%.18e"; None for any other block.

    Parameters
    ----------
    block : bytes
        Whole lines; the last may lack its end.
    columns : int

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The nearest 32-bit number of each cell.
    """
    # so many rows at a time that all they are computed with stays in a processor's cache
    step = PIECE_CELLS // columns * columns * CELL_BYTES
    parts = [_parse_piece(block[start : start + step], columns) for start in range(0, len(block), step)]
    return None if any(part is None for part in parts) or not parts else np.concatenate(parts)


def _parse_piece(block: bytes, columns: int) -> np.ndarray | None:
    """As `parse_fixed_width`.

    Eight digits are read at once as one 64-bit word (Lemire 2021, doi 10.1002/spe.2984). The first 17 of
    the 19 decide the nearest 32-bit number but for ties within 1e-15; for those the answer is None too.
    """
    cells, rest = divmod(len(block) + (not block.endswith(b"\n")), CELL_BYTES)
    rows, odd = divmod(cells, columns)
    if rest or odd or not rows:
        return None
    # the last line may lack its end, which is not read as a number
    text = np.frombuffer(block.ljust(cells * CELL_BYTES, b"\n"), dtype=np.uint8)
    cell = text.reshape(rows, columns, CELL_BYTES)
    marks_right = (
        (cell[..., 1] == ord(".")).all()
        and (cell[..., 20] == ord("e")).all()
        and (cell[:, :-1, 24] == ord(",")).all()
        and (cell[:, -1, 24] == ord("\n")).all()
    )
    if not marks_right:
        return None
    high, low = (
        np.ndarray(cells, dtype="<u8", buffer=text, offset=offset, strides=(CELL_BYTES,)).copy() for offset in (2, 10)
    )
    digits = text.reshape(cells, CELL_BYTES)[:, [0, 18, 19, 22, 23]] - np.uint8(ord("0"))
    sign = cell[..., 21].ravel()
    if not (_all_digits(high) and _all_digits(low) and digits.max() <= 9 and np.isin(sign, (43, 45)).all()):
        return None
    mantissa = digits[:, 0] * np.uint64(10**16) + _eight_digits(high) * np.uint64(10**8) + _eight_digits(low)
    exponent = digits[:, 3] * np.int16(10) + digits[:, 4]
    value = mantissa * _POWERS[np.where(sign == ord("-"), -exponent, exponent)]
    nearest = (value * (1 - 1e-15)).astype(np.float32)
    if not np.array_equal(nearest, (value * (1 + 1e-15)).astype(np.float32)):
        return None
    return nearest.reshape(rows, columns)


def _all_digits(word: np.ndarray) -> bool:
    """Whether all bytes of all 64-bit words are ASCII digits."""
    upper = np.uint64(0xF0F0F0F0F0F0F0F0)
    carried = (word + np.uint64(0x0606060606060606)) & upper
    return bool((((word & upper) | (carried >> np.uint64(4))) == np.uint64(0x3333333333333333)).all())


def _eight_digits(word: np.ndarray) -> np.ndarray:
    """The number that each 64-bit word spells in ASCII, its first byte the highest digit."""
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 2561, 8),
        (0x00FF00FF00FF00FF, 6553601, 16),
        (0x0000FFFF0000FFFF, 42949672960001, 32),
    ):
        word = ((word & np.uint64(mask)) * np.uint64(factor)) >> np.uint64(shift)
    return word
