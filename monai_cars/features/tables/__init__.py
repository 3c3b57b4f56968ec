"""Label tables as findings: columns, values and boxes of public data sets and of a user's own."""
