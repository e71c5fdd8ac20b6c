"""Writing sketches: one module per bootloader protocol, and the store of sketches.

Here: checking an image, and driving a bootloader that is already there. Not here: bringing a
board into its bootloader and finding it again afterwards, which is the job's business. Start with
``method``, the interface that all methods share; a method is imported where it is used.
"""
