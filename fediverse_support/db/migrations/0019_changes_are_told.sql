-- Whoever remembers what a signed read of an actor rests on is told in the moment in which it changes.
-- depends: 0018_more_lists_by_their_own_indexes

-- migrate: apply

create function tell_of_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('fediverse_support_changes', '');
    return null;
end $$;

create trigger domain_rules_are_told after insert or update or delete or truncate on domain_rules
    for each statement execute function tell_of_change();

create trigger actors_changed_are_told after update on actors
    for each row when (new.host is null and old.* is distinct from new.*) execute function tell_of_change();
create trigger actors_gone_are_told after delete on actors
    for each row when (old.host is null) execute function tell_of_change();

create trigger accounts_are_told after update of standing on accounts
    for each row when (old.standing is distinct from new.standing) execute function tell_of_change();

create trigger groups_are_told after update on groups
    for each row when (old.* is distinct from new.*) execute function tell_of_change();

-- migrate: rollback
