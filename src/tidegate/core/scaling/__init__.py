"""How many tasks a service should have: the recommended controller, and AWS's three, by name.

`controller` asks every policy of a service and makes one decision of what they want. What they
read is measured by `record` and lies in `Seen.series`; what they did lies in `Progress.scaling`.
"""
