"""Read models: what a person sees, as plain frozen data, made from the journal and one look.

Command line, console and JSON all show these; nobody formats from raw state. Times are integer
milliseconds since the epoch (`_at`) or of a span (`_ms`), weights basis points (`_bp`).
"""
