"""NVS, the key-value store in a flash partition of Espressif chips: read, merged, made anew.

Bytes in, bytes out. :mod:`~agent.protocols.nvs.entries` is one item, :mod:`~agent.protocols.nvs.pages`
a page of 4 KiB, :mod:`~agent.protocols.nvs.store` what a partition holds, and
:mod:`~agent.protocols.nvs.merge` puts values into one. Encrypted partitions are recognised, not read.
Sources: ESP-IDF documentation, “Non-Volatile Storage Library”, section “Internals”;
espressif/esp-idf: components/nvs_flash/src.
"""
