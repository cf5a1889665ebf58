"""Reading a run: tables, trials.csv and one offline HTML page, all from the journal."""
