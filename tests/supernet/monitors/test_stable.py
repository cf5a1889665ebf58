"""supernet/monitors/stable.py on a scripted trajectory."""

from supernet.monitors import ArchitectureStable
from supernet.part import Part
from tests.supernet_cases import bare, tiny_search


class Script(Part):
    """Puts the largest alpha of every edge where the script says."""

    def __init__(self, places):
        self.places = places

    def before_epoch(self, search):
        search.alphas["normal"].data.zero_()
        search.alphas["normal"].data[:, self.places[search.epoch]] = 5.0


def test_it_stops_after_patience_epochs_without_a_change():
    search = tiny_search(bare(9, monitors=(Script([1, 2, 2, 3, 3, 3, 3, 3, 3]), ArchitectureStable(3))))
    while not search.ended:
        search.run_epoch()
    assert search.epoch == 7
    assert search.stopped.epoch == 6
    assert search.result()["normal"] == (3,) * 6


def test_it_never_stops_while_things_change():
    search = tiny_search(bare(4, monitors=(Script([1, 2, 1, 2]), ArchitectureStable(1))))
    while not search.ended:
        search.run_epoch()
    assert search.stopped is None
