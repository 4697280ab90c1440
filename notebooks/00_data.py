# ---
# jupyter:
#   ecglib:
#     makes: [table_classes, fig02_class_distribution, fig00_beats, fig00_patients]
#     also: [ptb]
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
# # The beats
#
# **Question.** What do the models learn from? Both papers classify single heartbeats: a piece of one ECG lead that
# starts at an R peak and ends a little after the next one, scaled to [0, 1] and padded with zeros to 187 samples.
#
# **Method.** The beats are cut from the raw records by one recipe, which gives those of the Kaggle files sample for
# sample. MIT-BIH has five classes, which the report's figure (Fig. 2) counts:
#
# | class | beats |
# |---|---|
# | N | normal, and bundle branch block |
# | S | supraventricular premature: starts early, above the ventricles |
# | V | ventricular premature: starts in a ventricle |
# | F | fusion of a ventricular and a normal beat |
# | Q | paced by a pacemaker, or unclassifiable |
#
# PTB and PTB-XL have two: healthy controls and patients with a myocardial infarction.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.beats import beats_by_class, class_distribution, sides_figure
from ecglib.names import CLASS_TITLES
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.beats import class_examples
from ecglib.results.by_patient import shared_sentence, sides_of_both_splits
from ecglib.results.tables import class_count_summary, class_count_table

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

beats = experiment.beats
print(f"{len(beats):,} beats, {len(set(beats.record)):,} records, source: {beats.metadata.source}")
print(f"{beats.metadata.rate_hz:g} samples a second; recipe: {beats.metadata.recipe}")
if beats.metadata.skipped:
    print(f"skipped {len(beats.metadata.skipped):,}; the first: {next(iter(beats.metadata.skipped.items()))}")

# %% [markdown]
# ## How many beats each class has (Fig. 2)
#
# The training file is cut as the profile says (`training_set`), then divided into training and validation with the same
# share of each class; the test file is left as it is. The last column is the weight of the class in the loss, N / (K n):
# each class weighs the same in total, however rare it is.

# %%
counts = class_count_table(experiment)
publish_table(counts, class_count_summary(counts), experiment, "classes")

# %%
parts = {"training file": "training_file", "train": "train", "validation": "validation", "test": "test"}
figure = class_distribution(
    {title: counts[part].to_numpy() for title, part in parts.items()},
    [CLASS_TITLES.get(name, name) for name in experiment.class_names],
    title=f"Beats by class, {experiment.title}",
)
publish_figure(figure, experiment, 2, "class_distribution")

# %% [markdown] tags=["interpretation"]
# **What it shows.** Four of five training beats are N. The report cuts every class to half of the second largest, <!--n reduced/table_classes_mitbih class=V : kept whole-->3,215<!--/n--> beats at most, and keeps <!--n reduced/table_classes_mitbih : sum(kept) whole-->12,509<!--/n--> of <!--n reduced/table_classes_mitbih : sum(training_file) whole-->87,554<!--/n-->: a seventh. Its text says "half the largest
# class"; the counts and times that it prints come from half of the *second* largest. The test file is not cut, so the
# validation beats, with few N, are no picture of it.

# %% [markdown]
# ## What they look like

# %%
examples = class_examples(experiment)
figure = beats_by_class(
    examples["chosen"],
    examples["chosen_label"],
    experiment.class_names,
    beats.metadata.rate_hz,
    title=f"Four beats of each class, {experiment.title}",
)
publish_figure(figure, experiment, 0, "beats")

# %% [markdown]
# A row begins at its R peak and ends a little after the next one. So the length of a row gives the next RR interval away,
# while the RR interval before the beat, by which a cardiologist tells an early beat, is not in it; nor is its P wave.
#
# ## One patient, two files
#
# The usual split assigns single beats, not patients, to training and test. Each bar is one record.

# %%
sides = sides_of_both_splits(experiment)
for name, table in sides.items():
    print(f"{name}: {shared_sentence(table)}")
publish_figure(sides_figure(sides, f"One patient, two files: {experiment.title}"), experiment, 0, "patients")

# %% [markdown]
# **What follows.** Split by beat, every patient is on both sides: a model may recognise the person instead of the disease,
# and the papers' numbers say nothing about a new patient. Notebook 08 measures how much that matters.
#
# ## Before you trust a number
#
# - The documents of the Kaggle files say 125 samples a second. For MIT-BIH it is 120: every third of 360. The "188 samples"
#   of the report are 187 and the label.
# - Nearly all beats of MIT-BIH class Q come from four patients with a pacemaker.
#
# Next: [01, spectrograms](01_spectrograms.ipynb)
