"""Where the workflow is: beside the code in an installed tfbind, above it in a clone."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (PACKAGE / "repository", PACKAGE.parents[1])
#: Laid out as the repository: `Snakefile`, `workflow/`, `profiles/`, `envs/`, the demo's config and sheets.
FOLDER = next(folder for folder in _FOLDERS if (folder / "workflow" / "schemas").is_dir())
