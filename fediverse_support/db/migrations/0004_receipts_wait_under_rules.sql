-- What was taken in before a rule about a server waits under it; what takes something back is obeyed even then.
-- depends: 0002_way_of_an_activity 0003_people_approve_followers

-- migrate: apply

alter table receipts add column takes_back boolean not null default false;

-- Of a delivery that is `ruled`: the host whose rule it waits for, where that is not the one that brought it.
alter table receipts add column waits_for text;
alter table receipts drop constraint receipts_standing_check;
alter table receipts add constraint receipts_standing_check
    check (standing in ('waiting', 'ruled', 'done', 'parked')) not valid;

create index receipts_taking_back on receipts (host) where standing = 'waiting' and takes_back;
create index receipts_ruled on receipts (id) where standing = 'ruled';

-- migrate: rollback
