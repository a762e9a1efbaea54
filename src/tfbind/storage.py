"""The files that a job's parameters name, where Snakemake keeps them elsewhere (`--default-storage-provider`)."""

from collections.abc import Mapping

from tfbind.io.paths import PATHS


def placed(value: object, located: Mapping[str, str]) -> object:
    """Rows of a sheet that name the files where a job finds them.

    Parameters
    ----------
    value : dict, list or other value
        Rows, or lists and dicts of rows.
    located : mapping of str to str
        Path in a row -> path of the job's copy. A path that is not in it stays.

    Returns
    -------
    dict, list or other value
        `value` is not changed.
    """
    if isinstance(value, Mapping):
        return {
            key: located.get(each, each) if key in PATHS and isinstance(each, str) else placed(each, located)
            for key, each in value.items()
        }
    return [placed(each, located) for each in value] if isinstance(value, list | tuple) else value
