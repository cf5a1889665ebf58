"""The predictors a search can name. Their modules are imported when one is asked for: torch and xgboost stay out until then."""

from ranknosh.registry import Registry

PREDICTORS = Registry(
    "predictors",
    "predictor",
    {
        "auto": "ranknosh.predictors.combined:AutoPredictor",
        "linear": "ranknosh.predictors.linear:LinearPredictor",
        "gbdt": "ranknosh.predictors.gbdt:GbdtPredictor",
        "gin": "ranknosh.predictors.gin:GinPredictor",
        "kernel": "ranknosh.predictors.kernel:KernelPredictor",
        "staged": "ranknosh.predictors.kernel:StagedPredictor",
        "ensemble": "ranknosh.predictors.combined:EnsemblePredictor",
        "random": "ranknosh.predictors.random:RandomPredictor",
    },
)
