# The report as a graph of notebooks, as they describe it in their own headers. Use it through "make report
# PROFILE=...", or directly:   snakemake --cores 2 --config profile=demo
import sys

from ecglib import files
from ecglib.names import EcglibError
from ecglib.notebooks import executed_path, headers
from ecglib.parameters import load_parameters

PYTHON = sys.executable
try:
    PARAMETERS = load_parameters(config.get("profile", "demo"))
    HEADERS = [header for header in headers() if header.is_in(PARAMETERS)]
except EcglibError as error:
    sys.exit(f"ecglib: {error}")
LABEL = PARAMETERS.label
NAMES = {header.name for header in HEADERS}
# a change in any of it may change any result; executing all notebooks again on finished runs takes a minute or two
PACKAGE = sorted(path for path in (files.home() / "ecglib").rglob("*") if path.suffix in (".py", ".yaml", ".npy"))


def beat_table(dataset):
    """Synthetic beats are made anew each time, which takes a second; any other source becomes a file once."""
    return [] if PARAMETERS.source == "synthetic" else [files.tables() / f"{dataset}-{PARAMETERS.source}.parquet"]


rule report:
    input:
        [
            (executed_path(header.name, LABEL, dataset), header.outputs(LABEL, dataset))
            for header in HEADERS
            for dataset in PARAMETERS.datasets
        ],


for dataset in PARAMETERS.datasets:
    for table in beat_table(dataset):

        rule:
            name: f"beats_{dataset}"
            output:
                update(table),
            params:
                dataset=dataset,
                source=PARAMETERS.source,
            shell:
                "{PYTHON:q} -m ecglib.cli data build {params.dataset} --source {params.source} --out {output:q}"

    for header in HEADERS:

        rule:
            name: f"{header.name[3:]}_{dataset}"
            input:
                files.notebooks() / f"{header.name}.py",
                PACKAGE,
                beat_table(dataset),
                [executed_path(earlier, LABEL, dataset) for earlier in header.after if earlier in NAMES],
                header.shown(PARAMETERS, dataset),
            output:
                # "update" keeps what is there until the new one is complete
                update(executed_path(header.name, LABEL, dataset)),
                update(header.outputs(LABEL, dataset)),
            params:
                values=PARAMETERS.model_dump(mode="json", exclude={"threads"}),
                # shell is formatted when the job runs, long after this loop
                notebook=header.name,
                dataset=dataset,
            threads: PARAMETERS.threads or workflow.cores
            shell:
                "{PYTHON:q} -m ecglib.cli run {params.notebook} --profile {PARAMETERS.profile:q} --dataset {params.dataset}"
