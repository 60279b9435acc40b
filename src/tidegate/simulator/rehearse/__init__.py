"""What would have happened: this app's decision code on a scenario or a trace, in virtual time.

assume     what a task can do, what it costs, what counts as good; each stated in the report
scenarios  named stories, and traces: a demand over time and what befalls the app meanwhile
run        the real engine on the simulated world, with looks that can decide nothing left out
record     what a run was like, minute by minute
outcome    what it came to; text and page show it
compare    two app files on the same seeds, with confidence intervals
calibrate  assumptions from two load levels of the real app
"""
