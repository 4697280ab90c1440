# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     makes: [table_patients, fig00_by_patient]
#     unless: {by_patient: [false], source: [kaggle]}
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
# # What is left between patients
#
# Both papers deal beats: everybody has some in the training file and some in the test file (notebook 00).
# Here the same models are trained and tested once more with each patient on one side only. For MIT-BIH that
# is the convention of de Chazal et al. (2004): DS1 trains, DS2 tests, without the four paced records, without
# class Q, and without record 201, which is the person of record 202. For PTB-XL it is the data set's own folds.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import sensitivity_figure
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.by_patient import compare, comparison_table, patient_split
from ecglib.results.tables import class_count_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), reduced, ptbxl, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 10}

# %%
experiment = Experiment(load_parameters(profile, **overrides), dataset)
by_beat, by_patient = experiment.split_by("kaggle"), experiment.split_by(patient_split(experiment.data.table))
class_count_table(by_patient)

# %% [markdown]
# ## The same models, both ways
#
# Three rows a model. The first is the papers' way. The second is the same trained model, scored on
# those of its test beats that belong to the people and classes of the third row: it has learned from other
# beats of theirs. The third has never seen these people. In brackets a 95 % bootstrap
# interval over patients, not over beats: it says how far the number would move with other people.

# %% tags=["nbval-ignore-output"]
rows = compare(by_beat, by_patient)
publish_table(*comparison_table(rows), experiment, "patients")

# %% [markdown]
# The split by patient also has fewer beats to learn from (above). What is lost between the second and the
# third row is therefore not all due to recognised patients, but what remains in the third row is what a new
# patient may expect.
#
# ## Class by class

# %% tags=["nbval-ignore-output"]
figure = sensitivity_figure(rows, by_patient.class_names, f"The same people, known and unknown: {dataset}")
publish_figure(figure, experiment, 0, "by_patient")
