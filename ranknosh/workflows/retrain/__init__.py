"""Training a found cell from scratch by the recipes of the field, resumable, with a report: what a search is judged by."""

from ranknosh.workflows.retrain.api import retrain as retrain
from ranknosh.workflows.retrain.found_cell import parse_cell as parse_cell
from ranknosh.workflows.retrain.found_cell import read_cell as read_cell
from ranknosh.workflows.retrain.presets import PRESETS as PRESETS
from ranknosh.workflows.retrain.presets import preset as preset
from ranknosh.workflows.retrain.records import Retrained as Retrained
from ranknosh.workflows.retrain.records import RetrainFailed as RetrainFailed
from ranknosh.workflows.retrain.run import RetrainRun as RetrainRun
