"""With this folder on PYTHONPATH, a training stops itself (SIGSTOP) amid its epochs while the file HELD is there.

It does so when it is about to save a checkpoint over another, in a path that has the file's text in it: where a test
has to kill a training or to look at it, no machine is too fast or too slow for that.
"""

import os
import signal
import sys
from pathlib import Path

if "HELD" in os.environ:

    def _stop(event: str, about: tuple) -> None:
        if event != "os.rename" or not str(about[1]).endswith("last.ckpt"):
            return
        path, held = str(about[1]), Path(os.environ["HELD"])
        if os.path.exists(path) and held.exists() and held.read_text() in path:
            os.kill(os.getpid(), signal.SIGSTOP)

    sys.addaudithook(_stop)
