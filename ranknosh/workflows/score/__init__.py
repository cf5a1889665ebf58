"""Train-free scores of many architectures: scored on the executor, kept in a journal, made into a table and a page."""
