"""The work of a beat table spread over the executors of Apache Spark (Zaharia et al. 2016, doi 10.1145/2934664).

Executors call the same functions as `map` does here. They need this package, and see the raw records under the
same path; the table itself is put together and written by the one process that asked for it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ecglib.data.cut import Over
from ecglib.names import EcglibError

# so few results come back at once
_MOST_IN_A_PARTITION = 100
_PARTITIONS_PER_CORE = 4


@contextmanager
def spread(master: str = "local[*]") -> Iterator[Over]:
    """Start Spark, and give what stands in for `map`: results come in order, one partition at a time.

    Parameters
    ----------
    master : str
        Where Spark runs, such as "local[2]" or "spark://HOST:7077".

    Raises
    ------
    EcglibError
        PySpark or Java is missing, or Spark does not start.
    """
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise EcglibError("engine spark: PySpark is missing; pip install 'ecg-hybrid-reproduction[spark]'") from None
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise EcglibError("engine spark: Java is missing; install Java 17 or newer, or leave out --engine")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("ecglib").config("spark.ui.enabled", "false")
    try:
        session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    except (PySparkException, Py4JError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise EcglibError(f"engine spark: {master!r} does not start ({reason}); correct --master") from None
    try:
        yield partial(_over, session.sparkContext)
    finally:
        session.stop()


def _over(context: Any, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    from pyspark import StorageLevel

    items = list(items)
    if not items:
        return
    partitions = max(_PARTITIONS_PER_CORE * context.defaultParallelism, len(items) // _MOST_IN_A_PARTITION)
    spread = context.parallelize(items, min(len(items), partitions)).mapPartitions(partial(_calls, function))
    # all partitions are worked on at once and wait on the executors' disks; then they come one by one
    spread.persist(StorageLevel.DISK_ONLY).count()
    for result in spread.toLocalIterator():
        if isinstance(result, ValueError):
            raise result
        yield result
    spread.unpersist()


def _calls(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Faults of the data travel as results, so that they are told here as without Spark."""
    for item in items:
        try:
            yield function(item)
        except ValueError as error:
            yield error
