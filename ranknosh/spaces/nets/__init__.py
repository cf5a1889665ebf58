"""Networks of the search spaces: operations, cells, skeletons. ``Network`` joins a skeleton with what sits on its edges."""

from ranknosh.spaces.nets.cell import Cell, EdgeFactory
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.network import Network, build_candidate, chosen_genotype, chosen_op
from ranknosh.spaces.nets.ops import OPERATIONS, make_operation
from ranknosh.spaces.nets.regularisation import AuxiliaryHead, DropPath, auxiliary_head, scheduled_rate
from ranknosh.spaces.nets.skeleton import EdgeContext, Skeleton, darts_skeleton, genotype_skeleton, nasbench201_skeleton

__all__ = [
    "OPERATIONS",
    "AuxiliaryHead",
    "Cell",
    "DropPath",
    "EdgeContext",
    "EdgeFactory",
    "Network",
    "Skeleton",
    "auxiliary_head",
    "build_candidate",
    "chosen_genotype",
    "chosen_op",
    "count_macs",
    "count_params",
    "darts_skeleton",
    "genotype_skeleton",
    "make_operation",
    "nasbench201_skeleton",
    "scheduled_rate",
]
