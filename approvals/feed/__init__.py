"""The live feed as it is told: what one look found, packed for each kind of reader, and the streams that carry it."""
