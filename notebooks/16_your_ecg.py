# ---
# jupyter:
#   ecglib:
#     alone: true
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
# # An ECG of your own
#
# **Question.** What do these models say of an ECG that is not from the data sets, and how far can one believe it?
#
# **Method.** `ecglib predict` and `ecglib.predict` do the same: judge the quality in windows of 10 s, find the R peaks, cut the
# beats, classify each, by default with the design `context` of notebook 17. What cannot be judged is named and not classified.
#
# **Research software, not a medical device.** Nothing here is a diagnosis.

# %%
import ecglib
from ecglib import files
from ecglib.data import synthetic
from ecglib.parameters import load_parameters
from ecglib.predict import DEFAULT_MODEL, NOTICE
from ecglib.predict.output import show_strip

# %% [markdown]
# Change a value here and run the notebook again. The ECG below is **invented**: another seed is another person, who does not
# exist either.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"seed": 1}

# %% [markdown]
# Your own file is a WFDB record, EDF, CSV or text, or the export of an Apple Watch; a path, or with `ECGLIB_DATA` set one below
# that folder, such as `"mitdb/208"`. A name in the export is neither printed nor stored.

# %%
file = ""  # empty: the invented ECG
lead = None  # a name, such as "V5"; None: MLII or II, else the first
model = DEFAULT_MODEL  # the names are listed in docs/models.md

# %%
if file:
    title = file
    path = files.raw_data() / file if files.raw_data() else file
    prediction = ecglib.predict(path, lead=lead, model=model)
else:
    title = "An invented ECG"
    signal = synthetic.lead(seed=load_parameters(profile, **overrides).seed)
    signal[32 * 360 : 38 * 360] = 0  # an electrode comes off for six seconds
    prediction = ecglib.predict(signal, 360, model=model, per_mv=1)
print(f"{NOTICE}\n{title}\n{prediction.summary()}")

# %% [markdown]
# ## The beats
#
# N normal or bundle branch block, S supraventricular premature, V ventricular premature. Grey is what was not classified.

# %%
show_strip(prediction, title, start_s=0, seconds=40)

# %% [markdown]
# One row a beat: time and sample of its R peak, class, probability of each class, seconds since the beat before. How far the
# probabilities can be believed is in [17](17_new_people.ipynb).

# %%
prediction.table.head(12).round(2)

# %% [markdown]
# Where the quality was too low, and why:

# %%
for stretch in prediction.excluded:
    print(f"{stretch.start_s:.0f} to {stretch.end_s:.0f} s: {stretch.reason}")

# %% [markdown]
# In a terminal the same is
#
#     ecglib predict FILE --csv beats.csv --annotations ecg.own --strip strip
#
# which also writes a WFDB annotation file for other ECG software. `ecglib predict --help` has more. With `--decline 0.05`, here
# `decline=0.05`, the least sure beats are called "not sure" ("?" in the strip, Q in the annotations);
# what this brings and costs is in [17](17_new_people.ipynb).

# %% [markdown] tags=["interpretation"]
# **What it shows.** How well this does on an invented ECG says nothing of a real one. What is known comes from 22 records of people
# whom the default model was not trained on ([all records](../figures/predict/table_detection.md)). It
# finds <!--n predict/table_detection model=context beats=detected record=all : qrs_se percent1-->99.7<!--/n--> % of the beats. Of the ventricular beats it finds and names <!--n predict/table_detection model=context beats=detected record=all : veb_se percent1-->93.5<!--/n--> %,
# and <!--n predict/table_detection model=context beats=detected record=all : veb_ppv percent1-->83.9<!--/n--> % of what it calls V is V. Of the supraventricular ones it names <!--n predict/table_detection model=context beats=detected record=all : sveb_se percent1-->43.3<!--/n--> %,
# and <!--n predict/table_detection model=context beats=detected record=all : sveb_ppv percent1-->48.9<!--/n--> % of what it calls S is S. So a V or S here is a hint to look at the
# strip, no more.
#
# With the noise of moving electrodes added to ten minutes of each record ([all
# noises](../figures/predict/table_noise.md)), <!--n predict/table_noise noise=em snr_db=12.0 record=all : qrs_se percent1-->99.5<!--/n--> % of the beats are found at 12 dB and <!--n predict/table_noise noise=em snr_db=0.0 record=all : qrs_se percent1-->52.8<!--/n--> % at 0 dB, without it <!--n predict/table_noise noise=none record=all : qrs_se percent1-->99.8<!--/n--> %; of what is then
# found, <!--n predict/table_noise noise=em snr_db=12.0 record=all : qrs_ppv percent1-->92.3<!--/n--> and <!--n predict/table_noise noise=em snr_db=0.0 record=all : qrs_ppv percent1-->52.4<!--/n--> % are beats. A lead that moves much is better recorded again.

# %% [markdown]
# Next: [17, new people](17_new_people.ipynb)
