# ---
# jupyter:
#   ecglib:
#     after: [04_late_fusion]
#     makes: [table_patients, table_patient_classes, fig00_by_patient]
#     unless: {by_patient: [false], source: [kaggle]}
#     also: [ptb, ptbxl, short]
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
# # Does it work for new patients?
#
# **Question.** The papers' split puts beats of every patient on both sides. What is left when a patient is on one side only?
#
# **Method.** MIT-BIH is split as others do it (de Chazal et al. 2004: DS1 to train, DS2 to test; paced records and class Q
# are out), PTB-XL by its folds, PTB in five folds of patients, each tested once. The same models are trained again. Between the
# two splits stands a third row: the models trained by beat, tested on the patients of the other split alone, so that the
# patients are the same. Which of their beats are tested, and how many others were learned from, still differs.

# %%
from ecglib.experiment import Experiment
from ecglib.figures.results import sensitivity_figure
from ecglib.parameters import injected_parameters, load_parameters
from ecglib.publish import publish_figure, publish_table
from ecglib.results.by_patient import by_patient_experiments, class_summary, class_table, compare, comparison_table
from ecglib.results.tables import class_count_summary, class_count_table

# %% [markdown]
# Change a value here and run the notebook again. A finished result is loaded; what is not there is trained. Results of
# changed parameters go to a folder of their own, so that a trial never overwrites a profile's.

# %% tags=["parameters"]
profile: str = "reduced"  # a file of params/; "demo" trains on invented beats
dataset: str = "mitbih"  # mitbih (five classes), ptb or ptbxl (two)
overrides: dict = {}  # single parameters, such as {"cnn_transformer_epochs": 10}

# %%
experiment = Experiment(load_parameters(profile, **overrides, **injected_parameters(In)), dataset)
by_beat, by_patient = experiment.split_by("kaggle"), by_patient_experiments(experiment)
class_count_summary(class_count_table(by_patient[0]))  # of PTB: the first of five folds

# %% [markdown]
# ## Test metrics
#
# In percent; intervals over patients, drawn with all of their beats.

# %%
rows = compare(by_beat, by_patient)
publish_table(*comparison_table(rows), experiment, "patients")

# %% [markdown]
# ## By class
#
# Sensitivity: how many of a class are found. Positive predictive value: how many of those that are called so are right.
# False positive rate: how many of all other beats are called so.

# %%
of_class = class_table(rows, by_patient[0].class_names)
publish_table(of_class, class_summary(of_class), experiment, "patient_classes")

# %%
figure = sensitivity_figure(rows, by_patient[0].class_names, f"Known and new patients, {experiment.title}")
publish_figure(figure, experiment, 0, "by_patient")

# %% [markdown] tags=["interpretation"]
# **What it shows.** For patients that it knows, late fusion has an MCC of <!--n reduced/table_patients_mitbih model=late split=by~beat,~these~patients~only : mcc percent1-->81.4<!--/n-->; for new ones <!--n reduced/table_patients_mitbih model=late split=by~patient : mcc percent1-->30.4<!--/n-->
# [<!--n reduced/table_patients_mitbih model=late split=by~patient : mcc_low percent1-->17.0<!--/n-->, <!--n reduced/table_patients_mitbih model=late split=by~patient : mcc_high percent1-->45.2<!--/n-->]. Of the S beats of new
# patients it finds one in nine
# (<!--n reduced/table_patient_classes_mitbih model=late split=by~patient class=S : sensitivity percent1-->11.5<!--/n--> %), and
# of the beats that it calls S <!--n reduced/table_patient_classes_mitbih model=late split=by~patient class=S : positive_predictive_value percent1-->6.3<!--/n--> %
# are: fifteen of sixteen alarms are false.
#
# Two things change at once here: this profile's cut leaves the model trained by patient 3,982 beats of DS1. So the models
# were also trained on all of DS1 (profile `short`, one seed). The MCC of late fusion falls
# from <!--n short/table_patients_mitbih model=late split=by~beat,~these~patients~only : mcc percent1-->92.8<!--/n--> for known patients to <!--n short/table_patients_mitbih model=late split=by~patient : mcc percent1-->43.4<!--/n-->
# [<!--n short/table_patients_mitbih model=late split=by~patient : mcc_low percent1-->23.1<!--/n-->, <!--n short/table_patients_mitbih model=late split=by~patient : mcc_high percent1-->65.7<!--/n-->]
# for new ones, that of the 1D branch from <!--n short/table_patients_mitbih model=cnn_transformer split=by~beat,~these~patients~only : mcc percent1-->92.9<!--/n-->
# to <!--n short/table_patients_mitbih model=cnn_transformer split=by~patient : mcc percent1-->33.2<!--/n--> [<!--n short/table_patients_mitbih model=cnn_transformer split=by~patient : mcc_low percent1-->15.2<!--/n-->, <!--n short/table_patients_mitbih model=cnn_transformer split=by~patient : mcc_high percent1-->55.1<!--/n-->],
# that of the 2D branch from <!--n short/table_patients_mitbih model=cnn2d split=by~beat,~these~patients~only : mcc percent1-->83.7<!--/n--> to <!--n short/table_patients_mitbih model=cnn2d split=by~patient : mcc percent1-->42.3<!--/n-->
# [<!--n short/table_patients_mitbih model=cnn2d split=by~patient : mcc_low percent1-->21.2<!--/n-->, <!--n short/table_patients_mitbih model=cnn2d split=by~patient : mcc_high percent1-->61.1<!--/n-->]. More beats of the same people do
# not bring back what new people cost. (The cut models also differ in recipe, and all intervals by patient are wide: they
# overlap.)
#
# **PTB.** The patients of the 106 records at hand in five folds, each tested by models trained on the other four: late fusion
# (design of the report, one seed) is right in <!--n ptb/table_patients_ptb model=late split=by~patient : accuracy percent1-->83.8<!--/n--> % of the beats [<!--n ptb/table_patients_ptb model=late split=by~patient : accuracy_low percent1-->76.6<!--/n-->, <!--n ptb/table_patients_ptb model=late split=by~patient : accuracy_high percent1-->90.4<!--/n-->] and has an MCC of <!--n ptb/table_patients_ptb model=late split=by~patient : mcc percent1-->67.4<!--/n--> [<!--n ptb/table_patients_ptb model=late split=by~patient : mcc_low percent1-->52.9<!--/n-->, <!--n ptb/table_patients_ptb model=late split=by~patient : mcc_high percent1-->80.4<!--/n-->]; by beat, of the same patients, in <!--n ptb/table_patients_ptb model=late split=by~beat,~these~patients~only : accuracy percent1-->99.7<!--/n--> %
# and <!--n ptb/table_patients_ptb model=late split=by~beat,~these~patients~only : mcc percent1-->99.3<!--/n-->. Reasat and Shahnaz (2017, arXiv 1710.01115), who left each patient out once, were right in 84.54 %, in another task:
# inferior infarctions against healthy controls, by three leads.
#
# **What follows.** None of the papers' numbers says how such a model would do on a new patient.

# %% [markdown]
# Next: [09, repetitions](09_repetitions.ipynb)
