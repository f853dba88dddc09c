"""`domain`: rules about other servers."""

from __future__ import annotations

import argparse

from fediverse_support.cli.grammar import complain
from fediverse_support.cli.running import print_json, print_table, settled, with_database
from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import Invalid
from fediverse_support.domain.moderation import DomainRule
from fediverse_support.reads.moderation import domain_rules
from fediverse_support.settings import Settings


def list_rules(typed: argparse.Namespace, settings: Settings) -> int:
    """Print every rule."""

    async def work(db: Db) -> int:
        async with db.connection() as conn:
            rules = await domain_rules.list_rules(conn)
        if typed.json:
            print_json(rules)
        elif not rules:
            print("There are no rules.")
        else:
            rows = [(rule.domain, rule.severity, rule.reason, rule.private_note) for rule in rules]
            print_table(("DOMAIN", "RULE", "REASON", "PRIVATE NOTE"), rows)
        return 0

    return with_database(settings, work)


def set_rule(typed: argparse.Namespace, settings: Settings) -> int:
    """Put a rule in force, replacing the one this domain had."""
    rule = DomainRule(typed.domain, typed.what, reason=typed.reason, private_note=typed.private_note)

    async def work(db: Db) -> int:
        from fediverse_support.actions.moderation import moderating

        instance = await settled(db, settings)
        try:
            stored = await moderating.set_domain_rule(db, instance, None, rule, is_meant=typed.wide)
        except Invalid as error:
            is_wide = error.fields.get("domain") == "wide"
            from fediverse_support.cli.words import sentence_for

            said = sentence_for(error)
            return complain(f"{said} Say --wide if that is meant." if is_wide else said)
        print(f"{stored.domain}: {stored.severity}, in force now.")
        return 0

    return with_database(settings, work)


def clear_rule(typed: argparse.Namespace, settings: Settings) -> int:
    """Take a rule back."""

    async def work(db: Db) -> int:
        from fediverse_support.actions.moderation import moderating

        await moderating.clear_domain_rule(db, None, typed.domain)
        print(f"{typed.domain}: no rule any more.")
        return 0

    return with_database(settings, work)
