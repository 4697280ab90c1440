# ---
# jupyter:
#   ecglib:
#     after: [05_intermediate_fusion, 08_by_patient]
#     also: [original, ptb]
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
# # Explore the results
#
# **Question.** Which beats does a model get wrong, in whose records, and what would another threshold or another weighting of
# the classes change?
#
# **Method.** All models' scores of all test beats, as they are committed, in one panel that computes everything by itself: no
# training, no records, no network. Of each cell of each confusion matrix the worst beats are kept with their signal.

# %%
from ecglib.experiment import Experiment
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.report.explorer import both_splits, explorer
from ecglib.results.weighting import weighting_summary, weighting_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"fusion_epochs": 20}

# %%
experiment = Experiment(load_parameters(profile, **overrides, **injected_parameters(In)), dataset)
shown = both_splits(experiment)

# %% [markdown]
# ## The panel
#
# - **A cell of the confusion matrix** opens the list of its beats. Worst first: where the wrong class has the highest
#   probability, or on the diagonal the right one the lowest. Step through them with the buttons or the arrow keys.
# - **Record** shows one record alone. **Results** changes from the split by beat to the one by patient, where there is one.
# - **Class weights taken back** divides them out of the scores, as in notebook 10: 0 is the model as it was trained, 1 the model
#   as if its loss had had none. Nothing is fitted. Look at the matrix while you move it.
# - **One class against all others**: where on its curves a threshold lies.
# - **Record by record**: the share of right answers where the model knows the patient, and where it does not.
#
# With the records at hand, `explorer(shown, per_cell=100)` shows more beats with their signals.

# %%
explorer(shown)

# %% [markdown]
# ## The same numbers, computed by Python
#
# In percent, of the split by beat: at 0 and at 1 the panel shows the same.

# %%
weighting_summary(weighting_table(shown[0]))

# %% [markdown] tags=["interpretation"]
# **What it shows.** Take late fusion and go to the records: with these patients known it has an MCC of
# <!--n reduced/table_patients_mitbih model=late split=by~beat,~these~patients~only : mcc percent1-->81.4<!--/n-->, with the same patients new
# <!--n reduced/table_patients_mitbih model=late split=by~patient : mcc percent1-->30.4<!--/n-->. Which records lose most is seen there, and their beats above.
# In profile `original`, whose class weights are larger, the 1D branch goes from <!--n original/table_weighting_mitbih model=cnn_transformer : mcc percent-->91.16<!--/n--> to
# <!--n original/table_weighting_mitbih model=cnn_transformer : mcc_without_weights percent-->93.87<!--/n--> when they are taken back, and the fusion by concatenation from
# <!--n original/table_weighting_mitbih model=concat : mcc percent-->94.17<!--/n--> to <!--n original/table_weighting_mitbih model=concat : mcc_without_weights percent-->92.62<!--/n-->: what helps one model costs the other. One seed each.
# A share or a threshold that is chosen here is chosen on the test beats, so that its numbers are no result.

# %% [markdown]
# Next: [16, an ECG of your own](16_your_ecg.ipynb)
