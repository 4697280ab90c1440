# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion]
#     makes: [table_epochs, fig00_epochs]
#     beside: compared_with
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
# The papers train the 1D branch for 150 epochs, the 2D branch for 30 and each fusion for 10, and the report wonders
# whether that is too much. Here is the epoch after which nothing is gained, and what the time until then was. Other
# profiles stand beside this one (its parameter `compared_with`): fewer beats, another schedule of the learning rate.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.curves import time_figure
from ecglib.names import BRANCHES, MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.epochs import curves_beside, epoch_summary, epoch_table

# %% tags=["parameters"]
profile: str = "demo"  # a file of params/: demo (invented beats), short, reduced, full
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"compared_with": ["reduced"]}

# %%
parameters = load_parameters(profile, **overrides)
experiment = Experiment(parameters, dataset)
# of the others, what is trained is shown: nothing is trained for a comparison
compared = [experiment, *(Experiment(load_parameters(other), dataset) for other in parameters.compared_with)]

# %% [markdown]
# ## Epochs, minutes and test results
#
# Nothing is gained after the first epoch whose validation accuracy is at most one standard error below the highest of
# all: the validation beats could not tell the two apart. Test results in percent, of the weights that the
# profile's rule keeps.

# %% tags=["nbval-ignore-output"]
epochs = epoch_table(compared, tuple(MODEL_TITLES))
publish_table(epochs, epoch_summary(epochs), experiment, "epochs")

# %% [markdown]
# ## Against time
#
# Each profile validates on beats of its own training set, so that the height of two lines can be compared only
# where they have the same beats; their shape always can. The ring is the epoch after which nothing is gained.

# %% tags=["nbval-ignore-output"]
curves = curves_beside(compared, BRANCHES)
publish_figure(time_figure(curves, f"Validation error against time, {dataset}"), experiment, 0, "epochs")
