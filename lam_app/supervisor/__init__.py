"""`manage.py up`: one foreground process that starts, watches and stops everything that is not configured elsewhere.

`main` tells the story; `places` says who runs what and where; `embedded` knows PostgreSQL and Redis; `database`
makes the accounts in PostgreSQL; `nursery` forks the product's roles from a warm parent; `programs` starts a program,
`processes` keeps children alive. Nothing here imports Django, except the roles themselves once they have been forked.
"""
