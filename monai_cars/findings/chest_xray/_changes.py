"""What edits of a chest radiograph move, add or hide; a finding says which of these it does, and which move it.

Two rules made the lists: what the vocabularies (`monai_cars.features`) set or no longer know after an edit may move,
since no label rests on it; so may what readers cannot tell from the finding on a film, such as a large nodule from a
mass.
"""

ROUND = "adds a round shadow"
LARGE = "adds a shadow as large as a segment"
AIRLESS = "veils or empties the lung"
MARKINGS = "coarsens or removes the lung's markings"
HILUM = "changes the hilum"
HEART = "moves or hides the heart's border"
HEART_HIDDEN = "hides how wide the heart is"
FLUID = "puts fluid into the pleural space"
AIR = "puts air into the pleural space"
DIAPHRAGM = "moves or hides the diaphragm"
DOME = "reshapes the diaphragm"
