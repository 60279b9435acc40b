"""The daemon's HTTP surface on loopback, and the client that speaks to it.

guard       who may come in: token, Host, Origin
problems    errors as JSON, and back
observing, operating    one method per endpoint
streams     what is told as it happens
app         all of it put together
wire, client    the operations, from another process
"""
