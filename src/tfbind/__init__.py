"""How well does a model of transcription-factor binding work on other data, and when must it be retrained?"""

import os
import sys

from tfbind import earlier

__version__ = "0.1.0"

# Read when a library of threads is loaded: on a busy machine, threads that spin while they wait take the cores from
# those that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Last, for a bedtools that stands beside this Python and nowhere else: where `make setup` unpacks it without apt.
_beside = os.path.dirname(sys.executable)
if _beside not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), _beside])

# Scripts that were written for the modules of before go on.
sys.meta_path.append(earlier.Finder)
