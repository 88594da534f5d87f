"""From the services of statistics offices to vintages below a data folder: ask, keep what came, check it, name it."""
