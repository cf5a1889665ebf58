"""What the engine asks of a part of each kind, as functions that raise AssertionError with a sentence.

Call them from a test of your own::

    def test_my_space():
        check_space(MySpace(), Signature((3, 16, 16), (10,)))
"""

from ranknosh.testing.executors import check_executor
from ranknosh.testing.methods import check_method
from ranknosh.testing.predictors import check_predictor
from ranknosh.testing.proxies import check_proxy
from ranknosh.testing.spaces import check_space
from ranknosh.testing.tasks import check_task

__all__ = ["check_executor", "check_method", "check_predictor", "check_proxy", "check_space", "check_task"]
