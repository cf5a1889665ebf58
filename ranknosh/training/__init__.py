"""Training one candidate from one level to the next, exactly resumable (torch)."""
