"""Numbers: arrays in, small frozen records out. No comparison is judged here."""
