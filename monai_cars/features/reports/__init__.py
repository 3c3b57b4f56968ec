"""Report text as findings: phrases, negation and doubt, sections and sides."""
