"""Networks of the search spaces: operations, cells, skeletons. ``build`` joins a skeleton with what sits on its edges."""

from ranknosh.spaces.nets.auxiliary import AuxiliaryHead, auxiliary_head, auxiliary_place
from ranknosh.spaces.nets.cell import Cell, EdgeFactory
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.drop_path import DropPath, scheduled_rate
from ranknosh.spaces.nets.factories import chosen_chain, chosen_genotype, chosen_op, named_ops
from ranknosh.spaces.nets.network import Network, build, build_candidate
from ranknosh.spaces.nets.ops import OPERATIONS, make_operation
from ranknosh.spaces.nets.skeleton import (
    CellPlan,
    EdgeContext,
    ReductionPlan,
    Skeleton,
    chain_skeleton,
    darts_skeleton,
    genotype_skeleton,
    nasbench201_skeleton,
    skeleton_for,
)

__all__ = [
    "OPERATIONS",
    "AuxiliaryHead",
    "Cell",
    "CellPlan",
    "DropPath",
    "EdgeContext",
    "EdgeFactory",
    "Network",
    "ReductionPlan",
    "Skeleton",
    "auxiliary_head",
    "auxiliary_place",
    "build",
    "build_candidate",
    "chain_skeleton",
    "chosen_chain",
    "chosen_genotype",
    "chosen_op",
    "count_macs",
    "count_params",
    "darts_skeleton",
    "genotype_skeleton",
    "make_operation",
    "named_ops",
    "nasbench201_skeleton",
    "scheduled_rate",
    "skeleton_for",
]
