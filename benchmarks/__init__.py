"""Scripts that print ratios, with the facts of the machine they ran on."""
