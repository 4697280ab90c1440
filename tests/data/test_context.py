"""A beat beside its neighbours: no unit, no label, one beat of the future."""

import numpy as np
import pytest

from ecglib import files
from ecglib.data.context import COMING, GROUPS, beats_of, context_inputs, record_inputs, table_inputs, unpaced_beats
from ecglib.data.splits import arrange
from ecglib.data.table import read_beats


@pytest.fixture(scope="module")
def lead():
    generator = np.random.default_rng(0)
    peaks = np.cumsum(generator.integers(70, 130, size=120)).astype(float)
    signal = 0.02 * generator.standard_normal(int(peaks[-1]) + 200)
    for peak in peaks.astype(int):
        signal[peak - 3 : peak + 4] += np.hanning(7) * generator.uniform(0.8, 1.2)
    return signal, peaks


def test_columns_are_those_of_the_groups(lead):
    inputs = context_inputs(*lead)
    assert {name: group.shape for name, group in inputs.items()} == {name: (120, n) for name, n in GROUPS.items()}
    assert all(np.isfinite(group).all() and group.dtype == np.float32 for group in inputs.values())


def test_unit_and_offset_do_not_matter(lead):
    signal, peaks = lead
    inputs, others = context_inputs(signal, peaks), context_inputs(3000 + 200 * signal, peaks)
    for name in GROUPS:
        np.testing.assert_allclose(inputs[name], others[name], atol=2e-3)


def test_of_the_future_one_beat_is_known(lead):
    signal, peaks = lead
    changed, moved = signal.copy(), peaks.copy()
    changed[int(peaks[81]) - 20 :] = np.random.default_rng(1).standard_normal(len(signal) - int(peaks[81]) + 20)
    moved[82:] += 31
    inputs, others = context_inputs(signal, peaks), context_inputs(changed, moved)
    for name in GROUPS:
        np.testing.assert_array_equal(inputs[name][:80], others[name][:80])
    assert not np.array_equal(inputs["window"][82], others["window"][82])


def test_what_is_to_come_is_seen_where_it_is_asked_for(lead):
    signal, peaks = lead
    inputs = context_inputs(signal, peaks, future=True)
    assert {name: group.shape[1] for name, group in inputs.items()} == GROUPS | COMING
    rr = np.diff(peaks)
    rr = np.append(rr[0], rr)
    means = [rr[40:61].mean(), rr.mean(), rr.mean()]
    columns = {0: rr[50], 1: rr[51], 2: rr[49]}
    for number, interval in columns.items():
        np.testing.assert_allclose(inputs["ratios"][50, number::3], np.log(interval / np.array(means)), atol=1e-5)
    coming = np.log([rr[52] / np.array(means), rr[53] / np.array(means)]).ravel()
    np.testing.assert_allclose(inputs["coming"][50, :6], coming, atol=1e-5)
    np.testing.assert_array_equal(inputs["coming"][50, 6:15], inputs["likeness"][51])
    assert not np.array_equal(inputs["likeness"], context_inputs(signal, peaks)["likeness"])


def test_ratios_are_those_of_intervals(lead):
    signal, peaks = lead
    rr, ratios = np.diff(peaks, prepend=np.nan), context_inputs(signal, peaks)["ratios"]
    for column, count in ((0, 10), (3, 80)):
        mean = rr[max(1, 100 - count) : 100].mean()
        expected = np.log([rr[100] / mean, rr[101] / mean, rr[99] / mean])
        np.testing.assert_allclose(ratios[100, column : column + 3], expected, atol=2e-6)


def test_a_beat_of_another_shape_is_unlike_the_usual_one(lead):
    signal, peaks = lead
    signal = signal.copy()
    odd = int(peaks[90])
    signal[odd - 12 : odd + 15] = -np.hanning(27)
    inputs = context_inputs(signal, peaks)
    assert inputs["likeness"][90, 0] < 0.5 < np.delete(inputs["likeness"][:, 0], 90).min()
    assert inputs["relative_likeness"][90, 0] == inputs["relative_likeness"][:, 0].min()


def test_rows_of_a_table_are_those_of_its_records(data_folder):
    beats = unpaced_beats()
    beats = beats.take(np.flatnonzero(np.isin(beats.record, ["114", "100"]))[::-7])
    inputs = table_inputs(beats, data_folder / "mitdb")
    peaks, of_record = record_inputs(data_folder / "mitdb" / "114")
    row = int(np.flatnonzero(beats.record == "114")[5])
    for name, group in of_record.items():
        np.testing.assert_array_equal(inputs[name][row], group[peaks == beats.sample[row]][0])


def test_sides_are_those_of_the_splits():
    table = read_beats(files.outline("mitbih", "physionet"))
    by_patient = arrange(table, "patient")
    for side in ("train", "test"):
        expected, found = by_patient.take(by_patient.split == side), beats_of(side)
        np.testing.assert_array_equal(found.label, expected.label)
        np.testing.assert_array_equal(found.record, expected.record)
        np.testing.assert_array_equal(found.sample, expected.sample)
    known, test = beats_of("known"), beats_of("test")
    assert (known.split == "test").all() and set(known.record) == set(test.record)
    assert len(known) == (test.split == "test").sum()
