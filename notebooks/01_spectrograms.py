# ---
# jupyter:
#   ecglib:
#     makes: [fig01_spectrogram, fig00_pictures]
#     unless: {design: [original, best]}
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Spectrograms
#
# The 2D branch does not see the beat but a picture of its spectrogram. The papers' settings: segments of
# 32 samples, 4 of them shared with the next segment, a Blackman window, 125 samples a second. That gives
# 17 frequencies at 6 times. The report draws each beat's picture with matplotlib; here the same steps
# (decibels, colour map, resize to 128 x 128) are operations on tensors, a batch at a time.

# %%
import numpy as np
import torch
from scipy.signal import spectrogram as scipy_spectrogram

from ecglib.experiment import Experiment
from ecglib.figures.beats import picture_grid, spectrogram_panels
from ecglib.models.pictures import PICTURES, colour_cells, decibels, enlarge, frequencies, segment_times
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure
from ecglib.results.beats import class_examples

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"seed": 1}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
signal = torch.tensor(class_examples(experiment)["first"])  # (K, 187)
levels = decibels(signal)  # (K, 17, 6)
pictures = enlarge(colour_cells(signal))  # (K, 3, 128, 128)
print("beats", tuple(signal.shape), "-> dB", tuple(levels.shape), "-> pictures", tuple(pictures.shape))

# %% [markdown]
# The dB values are those of `scipy.signal.spectrogram`:

# %%
_, _, power = scipy_spectrogram(signal.double().numpy(), fs=125, window="blackman", nperseg=32, noverlap=4)
difference = np.abs(10 * np.log10(power + 1e-10) - levels.numpy()).max()
print("largest difference from SciPy below 1e-5 dB:", bool(difference < 1e-5))

# %% [markdown]
# ## A beat, its spectrogram, its picture (Fig. 1)
#
# The axes use the beats' own rate, which for MIT-BIH is 120 samples a second and not the papers' 125.
# The network's picture keeps the papers' rate. It hardly matters: the other rate would shift all levels above
# the floor of -100 dB by less than 0.2 dB.

# %%
rate_hz = experiment.beats.metadata.rate_hz
figure = spectrogram_panels(
    signal[0].numpy(),
    frequencies(rate_hz),
    segment_times(rate_hz),
    levels[0].numpy(),
    pictures[0].numpy(),
    rate_hz=rate_hz,
    title=f"A beat of class {experiment.class_names[0]}, {dataset}",
)
publish_figure(figure, experiment, 1, "spectrogram")

# %% [markdown]
# With 102 dB values behind its 49,152 colour values, the picture holds no more than the small spectrogram does. The
# report's own picture also had axes' white borders, about 40 % of its area; here there is none.

# %% [markdown]
# ## What each design's 2D branch sees
#
# The first beat of each class under every rule there is (parameters `design` and `picture`), in the channels and
# pixels that the network is given. The original's program keeps the real part of the transform alone, which makes
# the levels flicker; its frequencies run from the negative to the positive, so that its lower half nearly mirrors
# the upper. Where a beat has ended, zeros follow.

# %%
print("this profile's:", PICTURES[experiment.picture].title)
seen = {rule.title: rule.draw(rule.keep(signal)).numpy() for rule in PICTURES.values()}
figure = picture_grid(seen, experiment.class_names, title=f"What the 2D branch sees, {dataset}")
publish_figure(figure, experiment, 0, "pictures")
