"""PostgreSQL: connections and transactions (`pool`), the schema's history (`migrate`), SQL that can be
replaced.

May be imported by every room above; knows settings and domain, nothing of tables' meaning. Decision:
PostgreSQL only, SQL by hand; a transaction is opened by an action or a worker step and handed down as `tx`.
"""
