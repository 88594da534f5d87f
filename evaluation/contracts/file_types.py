"""Which kinds of files data may come in. What can run code when it is opened is never read, whatever its name says."""

from __future__ import annotations

from collections.abc import Iterable

READ = (".csv", ".csv.gz", ".xlsx")
"""What there are readers for; all of it is text or plain cells."""
RUNS_CODE = (".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".rds", ".rdata", ".xlsm", ".xlsb", ".xls", ".xltm")
"""Files whose reading can run what somebody put into them: pickled objects, arrays of objects, workbooks with macros."""
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Files that hold files. None is unpacked: a name in one can point outside the folder, and which table is meant is a guess."""


def refuse_types(names: Iterable[str]) -> list[str]:
    """One sentence for each file among `names` that is of a type that is never read."""
    allowed = ", ".join(READ)
    names = tuple(names)
    archives = [
        f"{name}: archives are never unpacked here, because a name in one can point outside the folder; allowed are {allowed}."
        " Fix: unpack the table that is wanted into the data folder, and take the archive out."
        for name in names
        if name.lower().endswith(ARCHIVES)
    ]
    return archives + [
        f"{name}: files of the type {suffix} are never read, because opening one can run code that is in it; allowed are"
        f" {allowed}. Fix: save the table as CSV, and take this file out of the data folder."
        for name in names
        for suffix in RUNS_CODE
        if name.lower().endswith((suffix, f"{suffix}.gz"))
    ]
