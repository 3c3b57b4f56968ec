"""Files of radiographs: formats, decoding that hostile files cannot break, writing that changes nothing else."""
