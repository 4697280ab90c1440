# ---
# jupyter:
#   ecglib:
#     makes: [fig02_class_distribution, fig00_beats, fig00_patients]
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
# Both papers learn from single heartbeats: a piece of one ECG lead that starts at an R peak and ends a
# little after the next one, scaled to [0, 1] and padded with zeros to 187 samples. MIT-BIH has five
# classes, PTB two. This notebook shows how many beats each class has (Fig. 2 of the report), what they
# look like, and what to know before trusting a number that comes out of them.

# %%
from ecglib.data.splits import class_weights
from ecglib.experiment import Experiment
from ecglib.figures.beats import beats_by_class, class_distribution, sides_figure
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure
from ecglib.results.beats import class_examples
from ecglib.results.by_patient import shared_sentence, sides_of_both_splits
from ecglib.results.tables import class_count_table

# %% [markdown]
# Change a value here and run the notebook again. Results of changed parameters go to a folder of their
# own, so that a trial never overwrites a profile's figures.

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"seed": 1}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
beats, split = experiment.beats, experiment.split
print(f"{len(beats):,} beats, {len(set(beats.record)):,} records, source: {beats.metadata.source}")
print(f"classes: {', '.join(beats.metadata.class_names)}; {beats.metadata.rate_hz:g} samples a second")
print(f"recipe: {beats.metadata.recipe}")
if beats.metadata.skipped:
    print(f"skipped {len(beats.metadata.skipped):,} records; the first: {next(iter(beats.metadata.skipped.items()))}")

# %% [markdown]
# ## How many beats each class has (Fig. 2)
#
# The training file is cut as the profile says (`training_set`), then divided 80 : 20 into training and
# validation with the same share of each class; the test file is left as it is. The last column is the
# weight of the class in the loss, N / (K n): each class weighs the same in total, however rare it is.

# %%
counts = class_count_table(experiment)
weights = class_weights(beats.label[split.train], len(beats.metadata.class_names))
counts.assign(loss_weight=weights.round(3))

# %%
figure = class_distribution(
    {part: counts[part].to_numpy() for part in ("train", "validation", "test")},
    beats.metadata.class_names,
    title=f"Beats by class, {dataset}",
)
publish_figure(figure, experiment, 2, "class_distribution")

# %% [markdown]
# The report's text says that its reduced MIT-BIH was cut "to half the largest class size". The counts
# and times that it prints come from half of the *second* largest class; that reading is
# `training_set: half_second_largest`, the other one is `half_largest`.
#
# ## What they look like

# %%
examples = class_examples(experiment)
figure = beats_by_class(
    examples["chosen"],
    examples["chosen_label"],
    experiment.class_names,
    beats.metadata.rate_hz,
    title=f"Four beats of each class, {dataset}",
)
publish_figure(figure, experiment, 0, "beats")

# %% [markdown]
# ## One patient, two files
#
# The usual split deals beats: those of one person go to the training file and to the test file. A model
# may then recognise the person instead of the disease. Each bar is one record.

# %%
sides = sides_of_both_splits(experiment)
for name, table in sides.items():
    print(f"{name}: {shared_sentence(table)}")
publish_figure(sides_figure(sides, f"One patient, two files: {dataset}"), experiment, 0, "patients")

# %% [markdown]
# Record by record, how many beats lie on either side when beats are dealt:

# %%
sides["by beat"]

# %% [markdown]
# ## Before you trust a number
#
# - The documents of the Kaggle files say 125 samples a second. For MIT-BIH it is 120: every third of
#   360. The "188 samples" of the report are 187 and the label.
# - A row ends a little after the next R peak, so the number of zeros at its end gives the next RR
#   interval away. The previous RR interval, which a cardiologist would ask for, is not in it.
# - The Kaggle split deals beats, not patients: each of the 48 MIT-BIH records has beats in both files.
#   A model may recognise a patient; the numbers of the papers say nothing about a new one.
# - Nearly all beats of MIT-BIH class Q come from four paced patients.
