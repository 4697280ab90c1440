"""The invented heartbeats: contract, determinism, shape, and how hard the classes are to tell apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from ecglib.data import mitbih, ptb, synthetic
from ecglib.data import waves as wave_model
from ecglib.data.table import read_beats, write_beats
from ecglib.names import EcglibError

DATASETS = ("mitbih", "ptb")


@pytest.fixture(scope="module", params=DATASETS)
def beats(request):
    return synthetic.build(request.param, 4000, seed=0)


@pytest.fixture(scope="module")
def arrhythmia():
    return synthetic.build("mitbih", 4000, seed=0)


def crop_lengths(signal):
    """Samples before the zero padding."""
    return signal.shape[1] - (signal[:, ::-1] != 0).argmax(axis=1)


@pytest.mark.parametrize("dataset", DATASETS)
def test_same_arguments_give_same_bytes_and_other_seeds_others(dataset):
    first, second, other = (synthetic.build(dataset, 300, seed) for seed in (3, 3, 4))
    for name in ("signal", "label", "record", "subject", "sample", "split"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.metadata == second.metadata
    assert first.digest != other.digest


def test_a_written_table_reads_back(beats, tmp_path):
    back = read_beats(write_beats(beats, tmp_path / "beats.parquet"))
    assert back.digest == beats.digest
    assert back.metadata == beats.metadata
    for name in ("record", "subject", "sample", "label"):
        np.testing.assert_array_equal(getattr(back, name), getattr(beats, name))


def test_metadata_tell_that_the_beats_are_invented(beats):
    metadata = beats.metadata
    real = {"mitbih": mitbih, "ptb": ptb}[metadata.dataset]
    assert metadata.is_synthetic
    assert (metadata.class_names, metadata.rate_hz) == (real.CLASS_NAMES, real.RATE_HZ)
    assert metadata.made_from == {"beats": "4000", "seed": "0"}
    assert "\n" not in metadata.recipe


def test_large_tables_have_the_real_proportions():
    np.testing.assert_allclose(
        synthetic.class_counts("mitbih", 109_446) / 109_446,
        np.array([90589, 2779, 7236, 803, 8039]) / 109_446,
        atol=2e-3,
    )
    np.testing.assert_allclose(
        synthetic.class_counts("ptb", 14_552) / 14_552, np.array([4046, 10506]) / 14_552, atol=2e-3
    )


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(DATASETS), st.integers(200, 1500), st.integers(0, 2**32))
def test_every_class_has_its_floor_and_is_split_four_to_one(dataset, count, seed):
    table = synthetic.build(dataset, count, seed)
    assert len(table) == count
    number = np.bincount(table.label, minlength=len(table.metadata.class_names))
    np.testing.assert_array_equal(number, synthetic.class_counts(dataset, count))
    assert number.min() >= 40
    test = np.bincount(table.label[table.split == "test"], minlength=len(number))
    np.testing.assert_allclose(test, number / 5, atol=0.5)
    assert table.signal.min() == 0 and table.signal.max() == 1


def test_a_record_is_a_subject_whose_beats_ascend(beats):
    np.testing.assert_array_equal(beats.record, beats.subject)
    names = np.unique(beats.record)
    assert len(names) >= 20 and names[0] == "synthetic-000"
    for name in names:
        assert (np.diff(beats.sample[beats.record == name]) > 0).all()


def test_rows_are_scaled_and_padded(beats):
    length = crop_lengths(beats.signal)
    whole = beats.signal[length < beats.signal.shape[1]]
    assert len(whole) > 0.9 * len(beats)
    # the padding is 0 as well, so the crop itself must hold it
    assert all(row[:n].min() == 0 for row, n in zip(whole, crop_lengths(whole) + 1, strict=True))
    assert (whole.max(axis=1) == 1).all()
    assert np.percentile(length, 1) > 35
    assert 90 < np.median(length) < 140


def test_a_row_starts_at_its_r_peak(beats):
    rows = beats.signal[beats.label == 0]
    deviation = np.abs(rows - np.median(rows[:, 12:60], axis=1, keepdims=True))
    # as high as the next R peak, or all but
    near = deviation[:, 0] >= 0.7 * deviation.max(axis=1)
    assert near.mean() > 0.8


def test_a_row_ends_beyond_the_next_r_peak(beats):
    rows = beats.signal[beats.label == 0]
    length = crop_lengths(rows)
    # RR + 0.2 next RR is 1.2 RR, give or take: R lies at five sixths
    found = [
        0.6 * n + np.abs(row[int(0.6 * n) : n] - np.median(row[:n])).argmax()
        for row, n in zip(rows, length, strict=True)
    ]
    assert np.median(found / length) == pytest.approx(1 / 1.2, abs=0.02)


def test_crop_length_is_told_by_the_r_peaks(arrhythmia):
    together = arrhythmia.record[:-2] == arrhythmia.record[2:]
    gap = np.diff(arrhythmia.sample)
    expected = -(-(gap[:-1] + 0.2 * gap[1:]).astype(int) // mitbih.DECIMATION)
    length = crop_lengths(arrhythmia.signal)[:-2]
    # a last sample that is the minimum looks like padding
    assert (length <= np.minimum(expected, 187))[together].all()
    assert (np.minimum(expected, 187) - length)[together].mean() < 0.2


def intervals_around(beats, label):
    """RR before and after each beat of `label` between two N beats, over the median RR of its record."""
    gap = np.diff(beats.sample).astype(float)
    same = beats.record[1:] == beats.record[:-1]
    for name in np.unique(beats.record):
        within = beats.record[1:] == name
        gap[within] /= np.median(gap[within & same])
    lone = (beats.label[1:-1] == label) & (beats.label[:-2] == wave_model.N) & (beats.label[2:] == wave_model.N)
    lone &= same[:-1] & same[1:]
    assert lone.sum() > 20
    return gap[:-1][lone], gap[1:][lone]


def test_premature_beats_come_early_and_ventricular_ones_pause_in_full(arrhythmia):
    before, after = intervals_around(arrhythmia, wave_model.S)
    assert np.median(before) < 0.85
    assert 1.03 < np.median(after) < 1.3
    before, after = intervals_around(arrhythmia, wave_model.V)
    assert np.median(before) < 0.85
    # the pause makes up for what came early
    assert np.median(before + after) == pytest.approx(2, abs=0.1)


def test_ventricular_beats_are_wide(arrhythmia):
    width = []
    for label in (wave_model.N, wave_model.V):
        rows = arrhythmia.signal[arrhythmia.label == label]
        deviation = np.abs(rows[:, :12] - rows[:, 60:70].mean(axis=1, keepdims=True))
        width.append(np.median((deviation > 0.4).sum(axis=1)))
    assert width[1] > width[0] + 1


def test_paced_beats_keep_records_of_their_own(arrhythmia):
    paced = np.unique(arrhythmia.record[arrhythmia.label == wave_model.Q])
    assert len(paced) >= 2
    assert not np.isin(paced, arrhythmia.record[arrhythmia.label != wave_model.Q]).any()


small = st.floats(-2, 2)


@given(st.lists(st.tuples(small, st.floats(0.01, 0.3), small), min_size=1, max_size=6), st.integers(0, 5), small)
def test_wave_sum_is_its_closed_form(waves, pick, offset):
    peak, width, amplitude = (np.array([part]) for part in zip(*waves, strict=True))
    time = np.arange(-5, 5, 0.002)
    total = wave_model.wave_sum(time[None], wave_model.Waves(peak, width, amplitude))[0]
    # a Gaussian's area, and first moment, are known without any exponential
    area = amplitude * width * np.sqrt(2 * np.pi)
    assert total.sum() * 0.002 == pytest.approx(area.sum(), abs=1e-9)
    assert (time * total).sum() * 0.002 == pytest.approx((area * peak).sum(), abs=1e-9)
    # one width off the peak of one wave
    g = pick % len(waves)
    one = wave_model.Waves(peak[:, [g]], width[:, [g]], amplitude[:, [g]])
    at = np.array([[peak[0, g], peak[0, g] + width[0, g], peak[0, g] - offset * width[0, g]]])
    expected = amplitude[0, g] * np.e ** -np.array([0, 0.5, offset**2 / 2])
    np.testing.assert_allclose(wave_model.wave_sum(at, one)[0], expected, atol=1e-9)


def test_waves_belong_to_their_own_beat():
    time = np.zeros((2, 1))
    waves = wave_model.Waves(np.zeros((2, 1)), np.ones((2, 1)), np.array([[1.0], [-3.0]]))
    np.testing.assert_array_equal(wave_model.wave_sum(time, waves), [[1.0], [-3.0]])


def test_classes_overlap_but_can_be_learned(beats):
    train = beats.split == "train"
    scores = []
    # every 2nd sample will do
    for model in (
        LogisticRegression(max_iter=30, solver="newton-cholesky"),
        RandomForestClassifier(30, random_state=0),
    ):
        model.fit(beats.signal[train, ::2], beats.label[train])
        scores.append(f1_score(beats.label[~train], model.predict(beats.signal[~train, ::2]), average="macro"))
    linear, forest = scores
    assert 0.3 < linear < 0.85
    assert linear + 0.05 < forest < 0.98


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ecg5000",), "'ecg5000'.*mitbih, ptb, ptbxl"),
        (("mitbih", 199), "199.*at least 200"),
        (("ptb", 79), "79.*at least 80"),
        (("ptb", 80, -1), "seed -1"),
    ],
)
def test_errors_name_what_to_do(arguments, told):
    with pytest.raises(EcglibError, match=told) as caught:
        synthetic.build(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("dataset", "minimum"), [("mitbih", 200), ("ptb", 80), ("ptbxl", 80)])
def test_the_minimum_is_enough(dataset, minimum):
    table = synthetic.build(dataset, minimum)
    assert np.bincount(table.label).tolist() == [40] * len(table.metadata.class_names)


def test_folds_of_ptbxl_hold_whole_subjects_of_both_classes():
    table = synthetic.build("ptbxl", 300)
    subjects = [set(table.subject[table.fold == fold]) for fold in range(1, 11)]
    assert sum(map(len, subjects)) == len(set(table.subject))
    assert all(set(table.label[table.fold == fold]) == {0, 1} for fold in range(1, 11))
    assert ((table.fold == 10) == (table.split == "test")).all()
