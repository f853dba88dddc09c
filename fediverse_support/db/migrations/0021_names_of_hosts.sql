-- By which domains servers name their people.
-- depends: 0020_followers_in_order

-- migrate: apply

-- Those that are no parents of a server's own name: rules for them count for it, too. Nearly always empty.
create table host_names (
    host text not null,
    domain text not null,
    since_at timestamptz not null,
    primary key (host, domain)
);
create index host_names_domain on host_names (domain);

-- Another domain than its own by which a server named somebody, if any.
alter table peers add column names_people_by text;

create trigger host_names_are_told after insert or update or delete or truncate on host_names
    for each statement execute function tell_of_change();

-- migrate: rollback
