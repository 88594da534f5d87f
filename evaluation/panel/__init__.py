"""From published files to one long table: readers, periods, geography and the panel."""
