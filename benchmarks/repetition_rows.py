"""What is measured of repetitions: several seeds in the same steps, against one after the other."""

from __future__ import annotations

from benchmarks.gpu import seconds_per_step
from benchmarks.measure import Row, Sizes, Target, interleaved, resample
from benchmarks.model_rows import branch_examples
from ecglib.data import Beats, class_weights
from ecglib.names import BRANCHES, MODEL_TITLES, ModelName
from ecglib.optimizers import Adamax, Noam
from ecglib.recipes import new_model


def repetitions(beats: Beats, sizes: Sizes) -> list[Row]:
    """A training step of R models at batch 16, stacked, against R steps, of both branches."""
    return [_row(name, count, beats, sizes) for name, count in zip(BRANCHES, sizes.together, strict=True)]


def _row(name: ModelName, count: int, beats: Beats, sizes: Sizes) -> Row:
    weights = class_weights(beats.label, len(beats.metadata.class_names))
    examples = branch_examples(name, *resample(beats, 256))
    optimizer = Noam() if name == "cnn_transformer" else Adamax()

    def seconds(models: int, steps: int) -> float:
        made = [new_model(name, len(weights), seed) for seed in range(models)]
        return seconds_per_step(made, examples, weights, optimizer, recorded=False, steps=steps)

    alone_s, together_s = interleaved(
        lambda: count * seconds(1, count * sizes.steps_together),
        lambda: seconds(count, sizes.steps_together),
        sizes.slow_repetitions,
    )
    what = f"a training step of {count} repetitions together, {MODEL_TITLES[name]} (baseline: one after the other)"
    return Row(what, alone_s, together_s, "s/step", alone_s / together_s, Target(1), sizes.slow_repetitions)
