"""The ways in which a run can end that are not a bug; the command line turns each into its exit code."""

from collections.abc import Iterable


class InputError(ValueError):
    """An input or a config cannot be used. Carries every fault found, so that all can be corrected at once.

    Parameters
    ----------
    faults : str or iterable of str
        Each names the file and line, the value found, and the remedy.
    """

    exit_code = 2

    def __init__(self, faults: str | Iterable[str]):
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class NotEstimable(ValueError):
    """A number cannot be computed from these data; the message says why and becomes a table's `note`."""

    exit_code = 3


class ResourceError(RuntimeError):
    """The machine lacks something: disk, memory, network, a program. The message names the remedy."""

    exit_code = 4
