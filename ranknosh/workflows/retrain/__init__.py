"""Training a found architecture from scratch by the recipes of the field, resumable: what a search is judged by."""

from ranknosh.workflows.retrain.api import retrain as retrain
from ranknosh.workflows.retrain.found import FoundArchitecture as FoundArchitecture
from ranknosh.workflows.retrain.found import read_found as read_found
from ranknosh.workflows.retrain.presets import PRESETS as PRESETS
from ranknosh.workflows.retrain.presets import preset as preset
from ranknosh.workflows.retrain.records import Retrained as Retrained
from ranknosh.workflows.retrain.records import RetrainFailed as RetrainFailed
from ranknosh.workflows.retrain.run import RetrainRun as RetrainRun
