"""Search spaces as symbols: cells, ids, encodings and edits (numpy only; networks are in ``spaces.nets``)."""
