"""Boards with an nRF91 and nRF Cloud: their procedures and the hands for them."""
