# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table_epochs, fig00_epochs]
#     beside: compared_with
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
# # How many epochs does it need?
#
# **Question.** The papers train the 1D branch for 150 epochs, the 2D branch for 30 and each fusion for 10, and the report
# wonders whether that is too much.
#
# **Method.** Nothing is gained after the first epoch whose validation accuracy is at most one standard error below the
# highest of all: the validation beats could not tell the two apart (Breiman et al. 1984, section 3.4.3). Other profiles stand
# beside this one: fewer beats, another schedule of the learning rate.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.curves import time_figure
from ecglib.names import BRANCHES, MODEL_TITLES
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.epochs import curves_beside, epoch_summary, epoch_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "short"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"compared_with": ["reduced"]}

# %%
parameters = load_parameters(profile, **overrides, **injected_parameters(In))
experiment = Experiment(parameters, dataset)

# of the others, what is trained is shown: nothing is trained for a comparison
compared = [experiment, *map(experiment.beside, parameters.compared_with)]

# %% [markdown]
# ## Epochs, minutes and test results
#
# Minutes by the wall clock, of machines that were not always idle; test results in percent, of the kept weights.

# %%
epochs = epoch_table(compared, tuple(MODEL_TITLES))
publish_table(epochs, epoch_summary(epochs), experiment, "epochs")

# %% [markdown]
# ## Against time
#
# Each profile validates on beats of its own training set, so that lines of different training sets compare by their shape,
# not by their height.

# %%
figure = time_figure(curves_beside(compared, BRANCHES), f"Validation error against time, {experiment.title}")
publish_figure(figure, experiment, 0, "epochs")

# %% [markdown] tags=["interpretation"]
# **What it shows.** By the paper's recipe on the reduced data the 1D branch gains nothing after epoch <!--n short/table_epochs_mitbih model=cnn_transformer profile=reduced : enough_epochs whole-->33<!--/n--> of 150. On all beats the
# same recipe still gains until epoch <!--n short/table_epochs_mitbih model=cnn_transformer profile=full : enough_epochs whole-->37<!--/n--> of the 40 that were run, so whether 150 are too many there is not known. Nine epochs
# with a rate that rises and falls once end higher (one seed of each; fewer were not tried). Late fusion is done after its first epoch,
# the others after one to five.

# %% [markdown]
# Next: [13, our own design](13_ingredients.ipynb)
