"""`snakemake --logger tfbind`: one line a stage, the message of what failed, and events for `tfbind progress`.

Snakemake finds a logger by the name of this package and loads it at each start, so it is thin: `tfbind.progress` does
the work.
"""

import logging

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    """Hands what Snakemake logs to `tfbind.progress.Watch`."""

    def __post_init__(self) -> None:
        from tfbind.progress import Watch

        self.watch = Watch.of(self.common_settings)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; a fault here must end neither the run nor the thread that calls."""
        try:
            self.watch.take(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """End the lines and the events."""
        self.watch.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """Whether Snakemake's own lines are left out."""
        return self.watch.speaks

    @property
    def writes_to_file(self) -> bool:
        """None that Snakemake should announce."""
        return False

    @property
    def has_filter(self) -> bool:
        """What `--quiet` hides from the terminal is an event all the same."""
        return True

    @property
    def has_formatter(self) -> bool:
        """The words are this package's own."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Stages are drawn as lines."""
        return False
