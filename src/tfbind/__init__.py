"""How far does a model of transcription-factor binding travel, and when must it be retrained?"""

import os

__version__ = "0.1.0"

# Read when a library of threads is loaded: on a busy machine, threads that spin while they wait take the cores from
# those that they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
