"""Where scales of severity come from, of more than one finding."""

FLEISCHNER = "Fleischner Society glossary (Hansell et al., Radiology 2008)"
COLLINS = "Collins et al., AJR 1995"
BLACKMORE = "Blackmore et al., Acad Radiol 1996"
GEOMETRY = "geometry of the lung field, no standard"
OPACIFIED_SHARE = "opacified share of the lung field"
