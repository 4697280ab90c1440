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
# # Spectrogram pictures
#
# **Question.** What does the 2D branch see? The report plots each beat's spectrogram with Matplotlib and feeds the plot to
# a 2D CNN as a picture of 128 by 128 pixels in three colours (section III.C.3).
#
# **Method.** The same steps as tensor operations, for all beats at once: short-time Fourier transform (Blackman window of
# 32 samples, 4 of overlap), decibels, colour map, resize. The first check is against SciPy, which the report used.

# %%
import numpy as np
import torch
from scipy.signal import spectrogram as scipy_spectrogram

from ecglib.experiment import Experiment
from ecglib.figures.beats import picture_grid, spectrogram_panels
from ecglib.models.pictures import PICTURES, colour_cells, decibels, enlarge, frequencies, segment_times
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure
from ecglib.results.beats import class_examples

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"seed": 1}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

signal = torch.tensor(class_examples(experiment)["first"])  # (K, 187)
levels = decibels(signal)  # (K, 17, 6)
pictures = enlarge(colour_cells(signal))  # (K, 3, 128, 128)
print("beats", tuple(signal.shape), "-> dB", tuple(levels.shape), "-> pictures", tuple(pictures.shape))
_, _, power = scipy_spectrogram(signal.double().numpy(), fs=125, window="blackman", nperseg=32, noverlap=4)
difference = np.abs(10 * np.log10(power + 1e-10) - levels.numpy()).max()
print("largest difference from SciPy below 1e-5 dB:", bool(difference < 1e-5))

# %% [markdown]
# ## A beat, its spectrogram, its picture (Fig. 1)
#
# The axes use the beats' own rate, which for MIT-BIH is 120 samples a second and not the papers' 125. The network's picture
# keeps the papers' rate. It hardly matters: the other rate would shift all levels by less than 0.2 dB.

# %%
rate_hz = experiment.beats.metadata.rate_hz
figure = spectrogram_panels(
    signal[0].numpy(),
    frequencies(rate_hz),
    segment_times(rate_hz),
    levels[0].numpy(),
    pictures[0].numpy(),
    rate_hz=rate_hz,
    title=f"A beat of class {experiment.class_names[0]} and its picture, {experiment.title}",
)
publish_figure(figure, experiment, 1, "spectrogram")

# %% [markdown]
# **What it shows.** 187 numbers become 49,152, and hold less: six segments in time, seventeen frequencies. The zeros after
# the beat are drawn as a dark block whose width tells the next RR interval.
#
# ## What each design's 2D branch sees
#
# The first beat of each class under every rule. The report's program saves the plot with its white border, which is 40 % of
# the picture. The original casts the complex transform to real numbers, which leaves the real part alone; the whole transform
# is drawn beside it. Our own design takes the logarithm of the magnitude. Frequency goes up, time to the right.

# %%
print("this profile's:", PICTURES[experiment.picture].title)
seen = {rule.title: rule.draw(rule.keep(signal)).numpy() for rule in PICTURES.values()}
figure = picture_grid(seen, experiment.class_names, title=f"What the 2D branch sees, {experiment.title}")
publish_figure(figure, experiment, 0, "pictures")

# %% [markdown]
# **What follows.** Colours and enlargement add nothing that the 102 levels do not have; what the other rules are worth is
# measured in notebooks 11 and 13.
#
# Next: [02, the 1D CNN-Transformer](02_cnn_transformer.ipynb)
