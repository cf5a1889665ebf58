"""A train-free proxy of your own: how much the outputs of an untrained network differ from picture to picture.

ranknosh score nasbench201 --proxies examples/own_proxy.py:Spread,params --count 20 --data digits
ranknosh search configs/demo.yaml --set 'seeding.proxies=[examples/own_proxy.py:Spread, nwot]'
"""

import torch

from zerocost.proxy import Pass, Proxy


class Spread(Proxy):
    """The mean over outputs of their standard deviation over the batch. Larger is better."""

    name = "spread"
    direction = 1
    needs = Pass.OWN  # it runs the network itself, on copies of its weights

    def run(self) -> None:
        with torch.no_grad():
            self.outputs = self.subject.module(*self.subject.inputs)

    def value(self) -> float:
        return float(self.outputs.flatten(1).std(dim=0).mean())
