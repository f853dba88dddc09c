-- A post keeps the kind its group was of when it was written: what was closed stays so when the group is opened.
-- depends: 0033_codes

-- migrate: apply

alter table posts add column written_in text
    check (written_in in ('home', 'home-open', 'circle', 'open'));
update posts p set written_in = g.kind from groups g where g.actor_id = p.group_id;
alter table posts add constraint posts_written_in_a_group check ((written_in is null) = (group_id is null));

-- migrate: rollback
