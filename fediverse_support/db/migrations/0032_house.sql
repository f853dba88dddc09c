-- What the organisation decides is kept in the database, and holds at once in every process.
-- depends: 0031_roles_are_a_set

-- migrate: apply

-- What the first start sets once and for all, the address above all, stays in `settings`.
-- A secret is sealed with the instance's secret, and has no value that can be read.
create table house (
    key text primary key,
    value text,
    sealed bytea,
    version int not null default 1,
    chosen_at timestamptz not null,
    check (num_nonnulls(value, sealed) = 1)
);

-- Rules, and what people agree to: the newest version holds, and what held before can still be shown.
create table wordings (
    key text not null,
    version int not null,
    body text not null,
    made_at timestamptz not null,
    primary key (key, version)
);

create trigger house_is_told after insert or update or delete or truncate on house
    for each statement execute function tell_of_change();

-- A server with people on it goes on as it was; a new one lets nobody in, and talks to nobody, until somebody chose.
insert into house (key, value, chosen_at)
select d.key, d.value, now() from (values ('federation', 'open'), ('registration', 'approval')) as d (key, value)
where exists (select 1 from accounts);

-- migrate: rollback
