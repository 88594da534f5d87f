"""What data must look like: registers, sources, outcomes and designs as frozen records, and the checks that hold files against them."""
