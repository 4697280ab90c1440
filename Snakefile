# The report as a graph of notebooks, as they describe it in their own headers. Use it through "make report", or directly:
#   snakemake --cores 2 --config profile=demo      (without a profile: the report as it is told, from committed results)
#   snakemake --cores 2 --config profile=demo 'sweep={seed: [0, 1], split: [kaggle, patient]}'      (all combinations)
import sys

from ecglib import files
from ecglib.data.sources import table_path
from ecglib.names import EcglibError
from ecglib.notebooks import nodes

try:
    NODES = nodes(config.get("profile"), config.get("sweep"))
except EcglibError as error:
    sys.exit(f"ecglib: {error}")
# a change in any of it may change any result; executing all notebooks again on finished runs takes a minute or two
PACKAGE = sorted(path for path in (files.home() / "ecglib").rglob("*") if path.suffix in (".py", ".yaml", ".npy"))


def beat_table(parameters, dataset):
    """Invented beats are made anew each time; a committed outline shows results without a table; others are built once."""
    if parameters.source == "synthetic" or files.outline(dataset, parameters.source).is_file():
        return []
    return [table_path(dataset, parameters.source)]


# names come into command lines
wildcard_constraints:
    dataset=r"\w+",
    source=r"\w+",


rule report:
    input:
        [(node.executed, node.header.outputs(node.parameters.label, node.dataset)) for node in NODES],


rule beats:
    output:
        update(files.tables() / "{dataset}-{source}.parquet"),
    shell:
        "{sys.executable:q} -m ecglib.cli data build {wildcards.dataset} --source {wildcards.source} --out {output:q}"


for node in NODES:

    rule:
        name: node.name
        input:
            files.notebooks() / f"{node.header.name}.py",
            PACKAGE,
            beat_table(node.parameters, node.dataset),
            node.after,
            node.header.shown(node.parameters, node.dataset),
        output:
            # "update" keeps what is there until the new one is complete
            update(node.executed),
            update(node.header.outputs(node.parameters.label, node.dataset)),
        params:
            values=node.parameters.model_dump(mode="json", exclude={"threads"}),
            # shell is formatted when the job runs, long after this loop
            notebook=node.header.name,
            profile=node.parameters.profile,
            dataset=node.dataset,
            settings=[f"--set={setting}" for setting in node.settings],
            # what is told is what is committed
            training="" if "profile" in config else "--no-training",
        # finished results need one; a training takes what its profile says, or all
        threads: (node.parameters.threads or workflow.cores) if "profile" in config else 1
        shell:
            "{sys.executable:q} -m ecglib.cli run {params.notebook} --profile {params.profile:q} --dataset {params.dataset}"
            " {params.training} {params.settings:q}"
