"""A bank as a run: a search of one level whose candidates are drawn at random, then the further seeds, then every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ranknosh.config.search import BankSettings
from ranknosh.core.candidates import Candidate
from ranknosh.core.records import Rerun, Stopped, Token
from ranknosh.core.search import Search
from ranknosh.executors.base import Executor
from ranknosh.runs.events import Progress
from ranknosh.training.publications import Publications
from ranknosh.workflows.search.finish import stop_text
from ranknosh.workflows.search.reporting import Reporter
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.search.trainers import Trainer


class BankRun(SearchRun):
    """A bank that can be worked at."""

    WORKFLOW = "bank"
    SETTINGS = BankSettings
    settings: BankSettings

    def complete(
        self,
        go_on: Callable[[], Search],
        trainer: Trainer,
        checkpoints: Publications,
        executor: Executor,
        reporter: Reporter,
    ) -> None:
        """Train all architectures, then the first of those that were trained with further seeds, then read the test split with
        each of these trainings; arguments as those of a search."""
        search, pool, session = go_on(), self.pool, reporter.session
        if search.stop_reason != "wall_time":
            again = [each for each in self._wanted() if Token(*each) not in pool.reruns]
            for rerun in (Rerun(*each) for each in again):
                pool.apply(rerun)
                reporter.write([rerun])
            search = go_on()
        read = {(one.candidate_id, one.replica) for one in pool.tested}
        left = [(one, replica) for one, replica in self._ended() if (one.id, replica) not in read]
        jobs = [one.trained_by(self.settings.seed, replica) for one, replica in left]
        for number, tested in enumerate(trainer.tested(jobs, checkpoints, executor), 1):
            pool.apply(tested)
            reporter.write([tested])
            session.events(Progress("tests", number, len(jobs)))
            session.check_stop()
        stopped = Stopped(search.stop_reason or "candidates", stop_text(search))
        pool.apply(stopped)
        reporter.write([stopped])

    def _wanted(self) -> Iterator[tuple[int, int]]:
        """Candidate and replica of every further training, those of one candidate after each other."""
        trained = [one.id for one in self.pool.candidates.values() if one.level]
        for number in trained[: self.settings.seeded]:
            yield from ((number, replica) for replica in range(1, self.settings.seeds))

    def _ended(self) -> Iterator[tuple[Candidate, int]]:
        """Every training that came to its end."""
        for candidate in self.pool.candidates.values():
            if candidate.level:
                yield from ((candidate, replica) for replica in (0, *candidate.replicas))
