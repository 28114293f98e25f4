"""Protection of the audit history against rewriting: seals over its entries, signed heads, and their verification."""
