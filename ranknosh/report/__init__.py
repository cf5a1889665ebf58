"""Reading a run: status, leaderboard, decisions, trials.csv and one offline HTML page, all from the journal."""

from ranknosh.report.tables import decision_lines, status_dict, top_rows, trial_rows, write_trials_csv
from ranknosh.report.view import RunView

__all__ = ["RunView", "decision_lines", "status_dict", "top_rows", "trial_rows", "write_trials_csv"]
