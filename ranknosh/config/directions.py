"""What the name of a metric of a user's own tells: which way it is better, and whether it is a share."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["max", "min"]

HIGHER = frozenset(
    (
        *("accuracy", "acc", "balanced_accuracy", "top1", "top5", "precision", "recall", "sensitivity", "specificity"),
        *("f1", "fbeta", "auc", "auroc", "auprc", "roc_auc", "pr_auc", "average_precision", "ap"),
        *("map", "mrr", "ndcg", "hit_rate", "r2", "explained_variance", "pearson", "spearman", "kendall"),
        *("mcc", "kappa", "iou", "miou", "jaccard", "dice", "psnr", "ssim", "bleu"),
        *("rouge", "meteor", "chrf", "exact_match", "reward", "return", "score"),
    )
)
LOWER = frozenset(
    (
        *("loss", "cross_entropy", "crossentropy", "nll", "log_loss", "logloss", "hinge", "bce", "mse"),
        *("rmse", "mae", "mape", "smape", "msle", "rmsle", "error", "err", "error_rate"),
        *("perplexity", "ppl", "bits_per_byte", "bits_per_character", "bpb", "bpc", "wer", "cer", "ter"),
        *("brier", "ece", "fid", "kid", "lpips", "hamming", "regret", "distance"),
    )
)
SHARES = frozenset(
    (
        *("accuracy", "acc", "balanced_accuracy", "top1", "top5", "precision", "recall", "sensitivity", "specificity"),
        *("f1", "fbeta", "hit_rate", "exact_match", "iou", "miou", "jaccard", "dice", "error_rate"),
    )
)
"""Fractions from 0 to 1, which people read in percent."""
_TURNED = frozenset(("neg", "negative", "minus", "inverse", "inv", "non", "not", "no"))
_PART_OF_DATA = re.compile(r"^(val|valid|validation|dev|test|eval|train|mean|avg|macro|micro|weighted)_")


def direction_of(name: str) -> Direction | None:
    """The direction that a metric's name tells, None where it does not.

    ``val_f1``, ``validation/F1`` and ``macro-f1`` are read as ``f1``; of a name of several words the last ones count, so that
    ``segmentation_iou`` is an ``iou``. A word that turns a metric round (``neg_log_loss``) leaves it open.
    """
    known = _known(name)
    return None if known is None else "max" if known in HIGHER else "min"


def unit_of(name: str) -> Literal["%", ""]:
    """``%`` for a metric whose name, read as by :func:`direction_of`, is that of a share; else nothing."""
    return "%" if _known(name) in SHARES else ""


def _known(name: str) -> str | None:
    """The metric that a name tells; None where it tells none, or one turned round."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if _TURNED.intersection(words.split("_")):
        return None
    while (shorter := _PART_OF_DATA.sub("", words)) != words:
        words = shorter
    while words and words not in HIGHER and words not in LOWER:
        _, _, words = words.partition("_")
    return words or None
