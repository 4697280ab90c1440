# The report as a graph of notebooks. Use it through "make report PROFILE=...", or directly:
#   snakemake --cores 2 --config profile=demo
import sys
from pathlib import Path

from ecglib import paths
from ecglib.dependencies import PACKAGE, ecglib_modules
from ecglib.errors import EcglibError
from ecglib.parameters import load_parameters
from ecglib.names import FIGURE_NUMBERS

PYTHON = sys.executable
try:
    PARAMETERS = load_parameters(config.get("profile", "demo"))
except EcglibError as error:
    sys.exit(f"ecglib: {error}")
LABEL = PARAMETERS.label
VALUES = PARAMETERS.model_dump(mode="json")
RUNS, FIGURES = paths.runs(LABEL), paths.figures(LABEL)

# Which parameters each notebook's result depends on, by the beginning of their names.
DATA = ("source", "design", "picture", "slips", "synthetic_", "training_set", "split", "validation_", "seed")
TRAINING = (*DATA, "batch_size", "threads", "early_stopping_", "selection", "class_weighting", "schedule", "one_cycle_")
TRAINING += ("reported_", "augmentation", "mixup")
BRANCH_1D = (*TRAINING, "cnn_transformer_", "noam_")
BRANCH_2D = (*TRAINING, "cnn2d_")
ALL = (*BRANCH_1D, *BRANCH_2D, "fusion_", "mitbih_fusion_", "ptb_fusion_", "ptbxl_fusion_")
USES = {
    "00_data": DATA,
    "01_spectrograms": DATA,
    "02_cnn_transformer": BRANCH_1D,
    "03_cnn2d": BRANCH_2D,
    "04_late_fusion": ALL,
    "05_intermediate_fusion": ALL,
    "06_experiment_1": ALL,
    "07_experiment_2": ALL,
    "08_by_patient": ALL,
    "09_repetitions": (*ALL, "repetitions"),
    "10_verdict": (*ALL, "repetitions"),
    "11_ledger": (*ALL, "repetitions", "ledger_"),
    "12_epochs": (*ALL, "compared_with"),
    "13_ingredients": ALL,
    "14_overview": (*ALL, "repetitions", "overview"),
}
# Which notebooks must have run before: they leave the trained models that the next one loads.
AFTER = {
    "04_late_fusion": ["02_cnn_transformer", "03_cnn2d"],
    # not because it needs late fusion: both evaluate the same branches once, and the second finds it done
    "05_intermediate_fusion": ["04_late_fusion"],
    "06_experiment_1": ["04_late_fusion"],
    "07_experiment_2": ["05_intermediate_fusion"],
    "08_by_patient": ["04_late_fusion"],
    "09_repetitions": ["05_intermediate_fusion"],
    # both train the repetitions that are not there yet, and must not do so side by side
    "10_verdict": ["05_intermediate_fusion" if PARAMETERS.repetitions == 1 else "09_repetitions"],
    # the trainings without any slip
    "11_ledger": ["05_intermediate_fusion" if PARAMETERS.repetitions == 1 else "09_repetitions"],
    "12_epochs": ["05_intermediate_fusion"],
    "13_ingredients": ["05_intermediate_fusion"],
    "14_overview": ["05_intermediate_fusion" if PARAMETERS.repetitions == 1 else "09_repetitions"],
}

# Which other profiles a notebook lays beside this one, as far as they are trained.
BESIDE = {"12_epochs": PARAMETERS.compared_with, "14_overview": PARAMETERS.overview}


def beside(notebook, dataset):
    """The runs of those other profiles that there are: a new one changes the notebook's result."""
    others = [paths.runs(other) / dataset for other in BESIDE.get(notebook, ()) if other != LABEL]
    return sorted(run for folder in others for run in folder.glob("**/run.json"))


def outputs(notebook, dataset):
    """The figures and tables that a notebook leaves for one data set."""

    def figure(number, what):
        return [FIGURES / f"fig{number:02d}_{dataset}_{what}.{kind}" for kind in ("png", "svg")]

    def curves(*models):
        return [file for model in models for file in figure(FIGURE_NUMBERS[model, dataset], f"{model}_learning_curves")]

    def table(name):
        return [FIGURES / f"table{name}_{dataset}.{kind}" for kind in ("csv", "md")]

    def confusion(*models):
        return [file for model in models for file in figure(0, f"{model}_confusion")]

    return {
        "00_data": [*figure(2, "class_distribution"), *figure(0, "beats"), *figure(0, "patients")],
        "01_spectrograms": [*figure(1, "spectrogram"), *figure(0, "pictures")],
        "02_cnn_transformer": [
            *curves("cnn_transformer"),
            *confusion("cnn_transformer"),
            *figure(15, "hybrid_pipeline"),
            *figure(16, "cnn_transformer_layers"),
        ],
        "03_cnn2d": [*curves("cnn2d"), *confusion("cnn2d"), *figure(17, "cnn2d_layers")],
        "04_late_fusion": [*curves("late"), *confusion("late")],
        "05_intermediate_fusion": curves("concat", "sum", "weighted_sum"),
        "06_experiment_1": [*table(3), *table(4)],
        "07_experiment_2": [*table(6), *table(7)],
        "08_by_patient": [*table("_patients"), *figure(0, "by_patient")],
        "09_repetitions": [*table("_repetitions"), *table("_mistakes"), *figure(0, "repetitions")],
        "10_verdict": [
            *table("_verdict"),
            *table("_claims"),
            *table("_weighting"),
            *table("_peers"),
            *figure(0, "verdict"),
        ],
        "11_ledger": [*table("_ledger"), *table("_f1"), *figure(0, "ledger")],
        "12_epochs": [*table("_epochs"), *figure(0, "epochs")],
        "13_ingredients": [
            *table("_ingredients"),
            *figure(0, "ingredients"),
            *table("_rhythm"),
            *table("_known_rhythm"),
        ],
        "14_overview": [*table("_overview"), *figure(0, "overview")],
    }[notebook]


def executed(notebook, dataset):
    return RUNS / "notebooks" / f"{notebook}_{dataset}.ipynb"


def beat_table(dataset):
    """Synthetic beats are made anew each time, which takes a second; any other source becomes a file once."""
    return [] if PARAMETERS.source == "synthetic" else [paths.tables() / f"{dataset}-{PARAMETERS.source}.parquet"]


# Kaggle's files do not say whose a beat is, so that they cannot be split by patient; one repetition is the model's own
# run; and the picture of notebook 01 is the report's.
NODES = [
    (notebook, dataset)
    for notebook in USES
    for dataset in PARAMETERS.datasets
    if not (notebook == "08_by_patient" and (PARAMETERS.source == "kaggle" or not PARAMETERS.by_patient))
    if not (notebook == "01_spectrograms" and PARAMETERS.design != "report")
    if not (notebook == "09_repetitions" and PARAMETERS.repetitions == 1)
    if not (notebook == "11_ledger" and not PARAMETERS.ledger_repetitions)
    if not (notebook == "13_ingredients" and not PARAMETERS.ingredients)
    if not (notebook == "14_overview" and not PARAMETERS.overview)
]


rule report:
    input:
        [(executed(notebook, dataset), outputs(notebook, dataset)) for notebook, dataset in NODES],


for dataset in PARAMETERS.datasets:
    for table in beat_table(dataset):

        rule:
            name: f"beats_{dataset}"
            input:
                ecglib_modules(PACKAGE / "data" / "sources.py"),
            output:
                update(table),
            params:
                dataset=dataset,
                source=PARAMETERS.source,
            shell:
                "{PYTHON} -m ecglib.cli data build {params.dataset} --source {params.source} --out {output}"

    for notebook, prefixes in USES.items():
        source = paths.notebooks() / f"{notebook}.py"

        rule:
            name: f"{notebook[3:]}_{dataset}"
            input:
                source,
                ecglib_modules(source),
                beat_table(dataset),
                [executed(earlier, dataset) for earlier in AFTER.get(notebook, [])],
                beside(notebook, dataset),
            output:
                # "update" keeps what is there until the new one is complete
                update(executed(notebook, dataset)),
                update(outputs(notebook, dataset)),
            params:
                values={key: value for key, value in VALUES.items() if key.startswith(prefixes)},
                # shell is formatted when the job runs, long after this loop
                notebook=notebook,
                dataset=dataset,
            threads: PARAMETERS.threads or workflow.cores
            shell:
                "{PYTHON} -m ecglib.cli run {params.notebook} --profile {PARAMETERS.profile}"
                " --dataset {params.dataset}"
