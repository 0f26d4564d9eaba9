"""Everything that is wrong with a data set: found, counted, and repaired where nobody has to be asked."""
