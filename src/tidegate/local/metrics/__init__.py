"""What the data plane has answered, second by second, out of its line for each request."""
