-- Which hosts have something is one row and a bit for each host, instead of a row for each host.
-- depends: 0010_no_job_library

-- migrate: apply

-- A host gets its number when it first matters (`peer_number` in functions.sql), and keeps it: bits of stored strings
-- stand for it.
alter table peers add column number int;
insert into peers (host) select host from copies union select host from arrivals on conflict do nothing;
update peers set number = n.place - 1
from (select host, row_number() over (order by host) as place from peers
      where host in (select host from copies union select host from arrivals)) n
where peers.host = n.host;
create unique index peers_number on peers (number);

create or replace function hosts_of(numbers int[]) returns bit varying language plpgsql immutable strict parallel safe as $$
declare
    bits bit varying := '';
    n int;
begin
    foreach n in array numbers loop
        if n >= length(bits) then
            bits := bits || repeat('0', n / 64 * 64 + 64 - length(bits))::bit varying;
        end if;
        bits := set_bit(bits, n, 1);
    end loop;
    return bits;
end $$;

-- Which hosts hold a copy of a post of ours, by delivery or by fetch; a Delete goes to all of them.
alter table copies rename to copies_by_host;
alter table copies_by_host drop constraint copies_pkey;
create table copies (
    post_id bigint not null references posts (id),
    how text not null check (how in ('delivered', 'fetched')),
    hosts bit varying not null,
    since_at timestamptz not null,
    primary key (post_id, how)
);
insert into copies (post_id, how, hosts, since_at)
select c.post_id, c.how, hosts_of(array_agg(p.number)), min(c.since_at)
from copies_by_host c join peers p on p.host = c.host group by c.post_id, c.how;
drop table copies_by_host;

-- Which hosts took an activity of ours; the deliveries themselves are gone then.
alter table arrivals rename to arrivals_by_host;
alter table arrivals_by_host drop constraint arrivals_pkey;
drop index arrivals_age;
create table arrivals (
    activity_id bigint primary key,
    hosts bit varying not null,
    first_at timestamptz not null,
    last_at timestamptz not null
);
insert into arrivals (activity_id, hosts, first_at, last_at)
select u.activity_id, hosts_of(array_agg(distinct p.number)), min(a.arrived_at), max(a.arrived_at)
from arrivals_by_host a cross join lateral unnest(a.activity_ids) u (activity_id) join peers p on p.host = a.host
group by u.activity_id;
drop table arrivals_by_host;

-- Lanes that failed are found by themselves, so that they stand in nobody's way.
create index lanes_failing on lanes (kind, due_at) where failures > 0;

-- Deliveries come and go by the thousand: what they leave behind is cleared away before it grows.
alter table deliveries set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
alter table lanes set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, fillfactor = 70);

-- migrate: rollback
