"""AWS's answers as the read models that one machine has, too. Nothing here changes anything."""
