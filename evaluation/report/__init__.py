"""From findings to a published report: tables, figures, words, and the engines that render it."""
