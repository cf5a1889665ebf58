"""Networks of the search spaces: operations, cells, skeletons. ``Network`` joins a skeleton with what sits on its edges."""
