"""From a study's protocol and a panel to treated areas beside untreated ones."""
