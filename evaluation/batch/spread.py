"""Many independent calls of one function, here or on a cluster: for simulations and for placebo loops that take minutes.

A simulation of a thousand draws is a thousand calls that know nothing of each other. `spread` makes them one after another in
this process, or, with a scheduler, on the workers of the cluster that also runs notebooks (``trailblazer run --scheduler``). The
answers are the same and in the same order.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from evaluation import project
from evaluation.batch.cluster import check_scheduler, connect
from evaluation.errors import ConfigurationError

if TYPE_CHECKING:
    from distributed import Future

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def spread(work: Callable[[Task], Answer], tasks: Iterable[Task], *, scheduler: str = "", chunk: int = 1) -> list[Answer]:
    """Call `work` on every task.

    Parameters
    ----------
    work : callable
        A function of a module that the workers can import too. Any randomness comes from a seed in the task.
    tasks : iterable
        What is handed over, one a call; it is pickled for a worker.
    scheduler : str
        ``local:N`` for N processes here, or the address of a scheduler; empty = one after another in this process.
    chunk : int
        Calls that go to a worker together. Sending takes some milliseconds: let a chunk take a second or more.

    Returns
    -------
    list
        One answer a task, in the order of the tasks.

    Raises
    ------
    ConfigurationError
        If the scheduler cannot be used, a worker has other code, or a chunk killed one worker after another.
    """
    if not scheduler:
        return [work(task) for task in tasks]
    check_scheduler(scheduler)
    every = list(tasks)
    parts = [every[n : n + chunk] for n in range(0, len(every), chunk)]
    from distributed import KilledWorker, as_completed

    with connect(scheduler) as client:
        codes = client.run(project.code_sha256)
        others = sorted(name for name, code in codes.items() if code != project.code_sha256())
        if others:
            raise ConfigurationError(f"worker {', '.join(others)}: its code is another; restart the workers after a change.")
        answers: dict[int, list[Answer]] = {}
        name, threads = f"spread-{uuid.uuid4().hex[:8]}", sum(client.nthreads().values())
        waiting = iter(enumerate(parts))

        def give_out(count: int) -> Iterator[Future[list[Answer]]]:
            for number, part in islice(waiting, count):
                yield client.submit(_call_each, work, part, key=f"{name}-{number}", pure=False)

        # no more at once than there are threads: a chunk that only waits beside one that kills its worker is not blamed
        under_way = as_completed(give_out(threads))
        for future in under_way:
            number = int(future.key.rpartition("-")[2])
            try:
                answers[number] = future.result()
            except KilledWorker as error:
                raise ConfigurationError(
                    f"tasks {number * chunk + 1} to {number * chunk + len(parts[number])} of {len(every)}: "
                    f"{error.allowed_failures + 1} workers died while they did them (out of memory?)."
                ) from error
            under_way.update(give_out(1))
        return [answer for number in range(len(parts)) for answer in answers[number]]


def _call_each(work: Callable[[Task], Answer], tasks: Sequence[Task]) -> list[Answer]:
    return [work(task) for task in tasks]
