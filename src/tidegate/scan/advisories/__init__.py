"""What is known to be vulnerable: OSV records, CISA's KEV and EPSS, in one SQLite index.

`fetch` and `store` bring the data in, `dump` and `feeds` read it within bounds, `build` writes the
index, `index` answers from it. Every server's answer is somebody else's bytes.
"""
