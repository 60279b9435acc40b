"""The ports in virtual time: tasks, balancer, traffic, jobs, faults, and a checker per promise."""
