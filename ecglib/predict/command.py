"""What ``ecglib predict`` does: read, classify, tell, write."""

from __future__ import annotations

import os
from argparse import Namespace

from ecglib.names import EcglibError
from ecglib.predict.lead import OpenLead, bare_name, clock
from ecglib.predict.readers import open_lead


def run(options: Namespace) -> None:
    """Run the command with its parsed arguments.

    Raises
    ------
    EcglibError
        Something of the input cannot be used; nothing is written then. Or an output cannot be written.
    """
    lead = open_lead(options.file, options.lead, options.rate)
    # imported once the file is known to be one, since Matplotlib and PyTorch take seconds to load
    from ecglib.predict.output import check_outputs, draw_strip, write_annotations, write_table
    from ecglib.predict.prediction import predict_lead

    check_outputs(options.csv, options.annotations, options.strip, options.start, options.seconds, lead.seconds)
    from ecglib.predict.evaluation import on_new_people
    from ecglib.predict.in_context import declined_below
    from ecglib.predict.pretrained import load_pretrained

    model = load_pretrained(options.model)
    least = declined_below(model, options.decline)
    print(f"{options.file}: {described(lead)}")
    print(model.title)
    print(on_new_people(model.name))
    try:
        prediction = predict_lead(lead, model, progress=True, least=least)
    except EcglibError as error:
        raise EcglibError(f"{options.file}: {error}") from None
    print(prediction.summary())
    written = []
    try:
        if options.csv is not None:
            write_table(prediction, options.csv)
            written.append(options.csv)
        if options.annotations is not None:
            write_annotations(prediction, options.annotations)
            written.append(options.annotations)
        if options.strip is not None:
            title = f"{options.file.stem}, {described(lead)}"
            written += draw_strip(prediction, options.strip, title, options.start, options.seconds)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise EcglibError(f"an output cannot be written ({reason}); make room or choose another place") from None
    for path in written:
        print(f"wrote {path}")


def described(lead: OpenLead) -> str:
    """A lead in one line."""
    amplitude = "" if lead.per_mv else ", amplitude unknown"
    name = f"lead {bare_name(lead.name)}" if lead.name else "lead without a name"
    return f"{name}, {lead.rate_hz:g} samples a second, {clock(lead.seconds)}{amplitude}"
