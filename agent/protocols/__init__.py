"""What bytes mean: one module or package per wire protocol, without I/O and without a clock."""
