-- What is forgotten by its age is found by it.
-- depends: 0011_hosts_as_bits

-- migrate: apply

create index activities_age on activities using brin (created_at) with (pages_per_range = 16);
create index notifications_age on notifications using brin (created_at) with (pages_per_range = 16);

-- migrate: rollback
