-- What a decision rested on, and what arrived where: so that the way of an activity can be told for a week.
-- depends: 0001_initial

-- migrate: apply

alter table decisions add column facts text;

-- What a host took, a line per sending of several; the deliveries themselves are gone then.
create table arrivals (
    id bigint primary key default new_id(),
    host text not null,
    activity_ids bigint[] not null,
    arrived_at timestamptz not null
);
create index arrivals_age on arrivals (arrived_at);

-- Neither activities nor actors are ever removed, and a delivery names both as they were found in the same
-- transaction: the checks cost more than the row.
alter table deliveries drop constraint deliveries_activity_id_fkey;
alter table deliveries drop constraint deliveries_sender_id_fkey;

-- migrate: rollback
