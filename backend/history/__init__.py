"""What makes rewriting of the history show: seals over its entries, signed heads, and the verification of both."""
